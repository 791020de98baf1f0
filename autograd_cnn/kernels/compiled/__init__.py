"""The fast backend: kernels compiled by Numba for the processor at hand.

`llvm` emits vector instructions; with them, `microkernel` emits the register tile that all matrix products call, and
`packing` lays out its operands. `conv` has correlation and its adjoints, a file for each algorithm and `conv.select` to
choose among them. `gemm` multiplies matrices, `gemv` a matrix with a vector; `pooling` goes over windows, with
`pool2x2` for the usual ones, `resampling` makes images of other sizes, and `normalization`, `reduction` and
`elementwise` go over whole maps, which `permuting` puts in order. `parallel` spreads the work over the `threads`, and
`caching` keeps what was compiled. A kernel that does not support a call returns `NotImplemented`, and the reference
takes over.
"""

from autograd_cnn.kernels.compiled.activation import elu as elu
from autograd_cnn.kernels.compiled.activation import elu_wrt_x as elu_wrt_x
from autograd_cnn.kernels.compiled.activation import erf as erf
from autograd_cnn.kernels.compiled.activation import gaussian as gaussian
from autograd_cnn.kernels.compiled.activation import gelu as gelu
from autograd_cnn.kernels.compiled.activation import gelu_tanh as gelu_tanh
from autograd_cnn.kernels.compiled.activation import gelu_tanh_wrt_x as gelu_tanh_wrt_x
from autograd_cnn.kernels.compiled.activation import gelu_wrt_x as gelu_wrt_x
from autograd_cnn.kernels.compiled.activation import logaddexp as logaddexp
from autograd_cnn.kernels.compiled.activation import sigmoid as sigmoid
from autograd_cnn.kernels.compiled.activation import sigmoid_slope as sigmoid_slope
from autograd_cnn.kernels.compiled.activation import sigmoid_wrt_x as sigmoid_wrt_x
from autograd_cnn.kernels.compiled.activation import silu as silu
from autograd_cnn.kernels.compiled.activation import silu_wrt_x as silu_wrt_x
from autograd_cnn.kernels.compiled.activation import softplus as softplus
from autograd_cnn.kernels.compiled.activation import tanh_wrt_x as tanh_wrt_x
from autograd_cnn.kernels.compiled.attention import attention as attention
from autograd_cnn.kernels.compiled.attention import attention_wrt as attention_wrt
from autograd_cnn.kernels.compiled.conv.select import correlate2d as correlate2d
from autograd_cnn.kernels.compiled.conv.select import correlate2d_wrt_input as correlate2d_wrt_input
from autograd_cnn.kernels.compiled.conv.select import correlate2d_wrt_weight as correlate2d_wrt_weight
from autograd_cnn.kernels.compiled.copying import concatenate as concatenate
from autograd_cnn.kernels.compiled.copying import scatter_add as scatter_add
from autograd_cnn.kernels.compiled.descent import adam as adam
from autograd_cnn.kernels.compiled.descent import sgd as sgd
from autograd_cnn.kernels.compiled.descent import sgd_with_momentum as sgd_with_momentum
from autograd_cnn.kernels.compiled.elementwise import absolute as absolute
from autograd_cnn.kernels.compiled.elementwise import absolute_wrt_x as absolute_wrt_x
from autograd_cnn.kernels.compiled.elementwise import add as add
from autograd_cnn.kernels.compiled.elementwise import clip as clip
from autograd_cnn.kernels.compiled.elementwise import damped as damped
from autograd_cnn.kernels.compiled.elementwise import divide as divide
from autograd_cnn.kernels.compiled.elementwise import divide_wrt_x2 as divide_wrt_x2
from autograd_cnn.kernels.compiled.elementwise import exp as exp
from autograd_cnn.kernels.compiled.elementwise import exp2 as exp2
from autograd_cnn.kernels.compiled.elementwise import hardsigmoid as hardsigmoid
from autograd_cnn.kernels.compiled.elementwise import hardsigmoid_wrt_x as hardsigmoid_wrt_x
from autograd_cnn.kernels.compiled.elementwise import hardswish as hardswish
from autograd_cnn.kernels.compiled.elementwise import hardswish_wrt_x as hardswish_wrt_x
from autograd_cnn.kernels.compiled.elementwise import hardtanh as hardtanh
from autograd_cnn.kernels.compiled.elementwise import leaky_relu as leaky_relu
from autograd_cnn.kernels.compiled.elementwise import masked as masked
from autograd_cnn.kernels.compiled.elementwise import maximum as maximum
from autograd_cnn.kernels.compiled.elementwise import minimum as minimum
from autograd_cnn.kernels.compiled.elementwise import multiply as multiply
from autograd_cnn.kernels.compiled.elementwise import negative as negative
from autograd_cnn.kernels.compiled.elementwise import relu as relu
from autograd_cnn.kernels.compiled.elementwise import shrink as shrink
from autograd_cnn.kernels.compiled.elementwise import sign as sign
from autograd_cnn.kernels.compiled.elementwise import sqrt as sqrt
from autograd_cnn.kernels.compiled.elementwise import sqrt_wrt_x as sqrt_wrt_x
from autograd_cnn.kernels.compiled.elementwise import square_wrt_x as square_wrt_x
from autograd_cnn.kernels.compiled.elementwise import subtract as subtract
from autograd_cnn.kernels.compiled.elementwise import where as where
from autograd_cnn.kernels.compiled.extrema import extremum_wrt_x as extremum_wrt_x
from autograd_cnn.kernels.compiled.extrema import max as max
from autograd_cnn.kernels.compiled.extrema import min as min
from autograd_cnn.kernels.compiled.gemm import linear as linear
from autograd_cnn.kernels.compiled.gemm import matmul as matmul
from autograd_cnn.kernels.compiled.layer_norm import layer_norm as layer_norm
from autograd_cnn.kernels.compiled.layer_norm import layer_norm_wrt as layer_norm_wrt
from autograd_cnn.kernels.compiled.loss import huber as huber
from autograd_cnn.kernels.compiled.loss import huber_wrt_x as huber_wrt_x
from autograd_cnn.kernels.compiled.loss import logistic_loss as logistic_loss
from autograd_cnn.kernels.compiled.loss import logistic_loss_wrt_x as logistic_loss_wrt_x
from autograd_cnn.kernels.compiled.loss import total_huber as total_huber
from autograd_cnn.kernels.compiled.normalization import given_moments as given_moments
from autograd_cnn.kernels.compiled.normalization import moments as moments
from autograd_cnn.kernels.compiled.normalization import standardize as standardize
from autograd_cnn.kernels.compiled.normalization import standardize_rectified as standardize_rectified
from autograd_cnn.kernels.compiled.normalization import standardize_wrt_input as standardize_wrt_input
from autograd_cnn.kernels.compiled.normalization import standardized_sums as standardized_sums
from autograd_cnn.kernels.compiled.parallel import copyto as copyto
from autograd_cnn.kernels.compiled.pooling import max_pool as max_pool
from autograd_cnn.kernels.compiled.pooling import max_pool_gather as max_pool_gather
from autograd_cnn.kernels.compiled.pooling import max_unpool as max_unpool
from autograd_cnn.kernels.compiled.pooling import mean_pool as mean_pool
from autograd_cnn.kernels.compiled.pooling import mean_pool_wrt_input as mean_pool_wrt_input
from autograd_cnn.kernels.compiled.recurrent import gru as gru
from autograd_cnn.kernels.compiled.recurrent import gru_wrt as gru_wrt
from autograd_cnn.kernels.compiled.recurrent import lstm as lstm
from autograd_cnn.kernels.compiled.recurrent import lstm_wrt as lstm_wrt
from autograd_cnn.kernels.compiled.reduction import sum as sum
from autograd_cnn.kernels.compiled.resampling import resample as resample
from autograd_cnn.kernels.compiled.softmax import log_softmax as log_softmax
from autograd_cnn.kernels.compiled.softmax import log_softmax_wrt_x as log_softmax_wrt_x
from autograd_cnn.kernels.compiled.softmax import logsumexp as logsumexp
from autograd_cnn.kernels.compiled.softmax import softmax as softmax
from autograd_cnn.kernels.compiled.softmax import softmax_cross_entropy as softmax_cross_entropy
from autograd_cnn.kernels.compiled.softmax import softmax_error as softmax_error
from autograd_cnn.kernels.compiled.softmax import softmax_wrt_x as softmax_wrt_x
from autograd_cnn.kernels.compiled.threads import num_threads as num_threads
from autograd_cnn.kernels.compiled.threads import set_num_threads as set_num_threads
