"""The complete backend: NumPy only, written to be read.

Loops run over the taps of a window, never over pixels or images.
"""

from autograd_cnn.kernels.reference.attention import *
from autograd_cnn.kernels.reference.correlation import *
from autograd_cnn.kernels.reference.descent import *
from autograd_cnn.kernels.reference.elementwise import *
from autograd_cnn.kernels.reference.layer_norm import *
from autograd_cnn.kernels.reference.loss import *
from autograd_cnn.kernels.reference.normalization import *
from autograd_cnn.kernels.reference.pooling import *
from autograd_cnn.kernels.reference.recurrent import *
from autograd_cnn.kernels.reference.reduction import *
from autograd_cnn.kernels.reference.resampling import *
from autograd_cnn.kernels.reference.softmax import *
from autograd_cnn.kernels.reference.special import *
