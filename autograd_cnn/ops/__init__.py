"""The calculus: every primitive with its rules below it, one file per family.

A family's ``__all__`` lists its public names, which are public here and at the top of the package, too.
"""

from autograd_cnn.ops.activation import *
from autograd_cnn.ops.adaptive_pooling import *
from autograd_cnn.ops.attention import *
from autograd_cnn.ops.correlation import *
from autograd_cnn.ops.decomposition import *
from autograd_cnn.ops.diagonals import *
from autograd_cnn.ops.elementwise import *
from autograd_cnn.ops.fourier import *
from autograd_cnn.ops.histograms import *
from autograd_cnn.ops.indexing import *
from autograd_cnn.ops.inverse import *
from autograd_cnn.ops.joining import *
from autograd_cnn.ops.layer_norm import *
from autograd_cnn.ops.linalg import *
from autograd_cnn.ops.logic import *
from autograd_cnn.ops.loss import *
from autograd_cnn.ops.normalization import *
from autograd_cnn.ops.norms import *
from autograd_cnn.ops.polynomial import *
from autograd_cnn.ops.pooling import *
from autograd_cnn.ops.recurrent import *
from autograd_cnn.ops.reduction import *
from autograd_cnn.ops.rounding import *
from autograd_cnn.ops.selection import *
from autograd_cnn.ops.sequences import *
from autograd_cnn.ops.shaping import *
from autograd_cnn.ops.softmax import *
from autograd_cnn.ops.sorting import *
from autograd_cnn.ops.statistics import *
from autograd_cnn.ops.trigonometric import *
from autograd_cnn.spelling import announce as _announce

_announce(globals())
