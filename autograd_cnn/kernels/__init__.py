"""Arrays in, arrays out: the numerical work, in one backend or another.

Each function here picks, call by call, the fastest backend that can do the work; calls that a backend declines with
`NotImplemented` fall back to the reference.
"""

from typing import TYPE_CHECKING

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
from autograd_cnn.spelling import public

if TYPE_CHECKING:  # a kernel takes and returns what the reference does
    from autograd_cnn.kernels.reference import *
else:
    from autograd_cnn.kernels import reference

    globals().update({name: Kernel(name) for name in public(vars(reference))})
