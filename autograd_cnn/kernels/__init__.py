"""Arrays in, arrays out: the numerical work, in one backend or another.

Each name here picks, call by call, the fastest backend that can do the work; what a backend
declines with `NotImplemented` falls to the reference.
"""

from autograd_cnn.kernels.algorithms import Candidate as Candidate
from autograd_cnn.kernels.algorithms import Explanation as Explanation
from autograd_cnn.kernels.algorithms import explain as explain
from autograd_cnn.kernels.algorithms import set_conv_precision as set_conv_precision
from autograd_cnn.kernels.algorithms import use_conv_algorithm as use_conv_algorithm
from autograd_cnn.kernels.backend import RECORDING as RECORDING
from autograd_cnn.kernels.backend import Kernel as Kernel
from autograd_cnn.kernels.backend import current_backend as current_backend
from autograd_cnn.kernels.backend import must_compile as must_compile
from autograd_cnn.kernels.backend import num_threads as num_threads
from autograd_cnn.kernels.backend import set_backend as set_backend
from autograd_cnn.kernels.backend import set_num_threads as set_num_threads
from autograd_cnn.kernels.memory import release_memory as release_memory

clip = Kernel("clip")
concatenate = Kernel("concatenate")
copyto = Kernel("copyto")
correlate2d = Kernel("correlate2d")
correlate2d_wrt_input = Kernel("correlate2d_wrt_input")
correlate2d_wrt_weight = Kernel("correlate2d_wrt_weight")
elu = Kernel("elu")
elu_wrt_x = Kernel("elu_wrt_x")
erf = Kernel("erf")
gaussian = Kernel("gaussian")
gelu = Kernel("gelu")
gelu_tanh = Kernel("gelu_tanh")
gelu_tanh_wrt_x = Kernel("gelu_tanh_wrt_x")
gelu_wrt_x = Kernel("gelu_wrt_x")
sigmoid = Kernel("sigmoid")
sigmoid_slope = Kernel("sigmoid_slope")
sigmoid_wrt_x = Kernel("sigmoid_wrt_x")
silu = Kernel("silu")
silu_wrt_x = Kernel("silu_wrt_x")
softplus = Kernel("softplus")
tanh_wrt_x = Kernel("tanh_wrt_x")
matmul = Kernel("matmul")
linear = Kernel("linear")
relu = Kernel("relu")
leaky_relu = Kernel("leaky_relu")
masked = Kernel("masked")
absolute = Kernel("absolute")
absolute_wrt_x = Kernel("absolute_wrt_x")
add = Kernel("add")
subtract = Kernel("subtract")
multiply = Kernel("multiply")
divide = Kernel("divide")
divide_wrt_x2 = Kernel("divide_wrt_x2")
exp = Kernel("exp")
exp2 = Kernel("exp2")
logaddexp = Kernel("logaddexp")
sqrt = Kernel("sqrt")
sqrt_wrt_x = Kernel("sqrt_wrt_x")
square_wrt_x = Kernel("square_wrt_x")
negative = Kernel("negative")
maximum = Kernel("maximum")
minimum = Kernel("minimum")
sign = Kernel("sign")
where = Kernel("where")
damped = Kernel("damped")
hardsigmoid = Kernel("hardsigmoid")
hardsigmoid_wrt_x = Kernel("hardsigmoid_wrt_x")
hardswish = Kernel("hardswish")
hardswish_wrt_x = Kernel("hardswish_wrt_x")
hardtanh = Kernel("hardtanh")
shrink = Kernel("shrink")
huber = Kernel("huber")
huber_wrt_x = Kernel("huber_wrt_x")
logistic_loss = Kernel("logistic_loss")
logistic_loss_wrt_x = Kernel("logistic_loss_wrt_x")
max_pool = Kernel("max_pool")
max_pool_gather = Kernel("max_pool_gather")
max_unpool = Kernel("max_unpool")
mean_pool = Kernel("mean_pool")
mean_pool_wrt_input = Kernel("mean_pool_wrt_input")
layer_norm = Kernel("layer_norm")
layer_norm_wrt = Kernel("layer_norm_wrt")
moments = Kernel("moments")
given_moments = Kernel("given_moments")
standardize = Kernel("standardize")
standardize_rectified = Kernel("standardize_rectified")
standardize_wrt_input = Kernel("standardize_wrt_input")
standardized_sums = Kernel("standardized_sums")
logsumexp = Kernel("logsumexp")
softmax = Kernel("softmax")
softmax_wrt_x = Kernel("softmax_wrt_x")
log_softmax = Kernel("log_softmax")
log_softmax_wrt_x = Kernel("log_softmax_wrt_x")
softmax_cross_entropy = Kernel("softmax_cross_entropy")
softmax_error = Kernel("softmax_error")
attention = Kernel("attention")
attention_wrt = Kernel("attention_wrt")
gru = Kernel("gru")
gru_wrt = Kernel("gru_wrt")
lstm = Kernel("lstm")
lstm_wrt = Kernel("lstm_wrt")
adam = Kernel("adam")
scatter_add = Kernel("scatter_add")
sgd = Kernel("sgd")
sgd_with_momentum = Kernel("sgd_with_momentum")
extremum_wrt_x = Kernel("extremum_wrt_x")
total_huber = Kernel("total_huber")
sum = Kernel("sum")  # noqa: A001  # NumPy's name
max = Kernel("max")  # noqa: A001  # NumPy's name
min = Kernel("min")  # noqa: A001  # NumPy's name
