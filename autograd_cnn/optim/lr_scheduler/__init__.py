"""Learning-rate schedules.

A schedule has a rate for every epoch, which depends only on the epoch number and the group's initial rate. This is the
group's rate unless something else sets it. If another schedule or the user does, the schedule applies its own relative
change to the rate that it finds, like PyTorch's chainable forms. So a warm-up and a decay can be combined. `LambdaLR`,
`CosineAnnealingWarmRestarts` and `OneCycleLR` always set their own rate, as in PyTorch.
`ReduceLROnPlateau` depends on a metric, and is not a `Schedule`.
"""

from autograd_cnn.optim.lr_scheduler.cycles import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from autograd_cnn.optim.lr_scheduler.cycles import LambdaLR as LambdaLR
from autograd_cnn.optim.lr_scheduler.cycles import OneCycleLR as OneCycleLR
from autograd_cnn.optim.lr_scheduler.decay import ConstantLR as ConstantLR
from autograd_cnn.optim.lr_scheduler.decay import CosineAnnealingLR as CosineAnnealingLR
from autograd_cnn.optim.lr_scheduler.decay import ExponentialLR as ExponentialLR
from autograd_cnn.optim.lr_scheduler.decay import LinearLR as LinearLR
from autograd_cnn.optim.lr_scheduler.decay import MultiStepLR as MultiStepLR
from autograd_cnn.optim.lr_scheduler.decay import PolynomialLR as PolynomialLR
from autograd_cnn.optim.lr_scheduler.decay import StepLR as StepLR
from autograd_cnn.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from autograd_cnn.optim.lr_scheduler.schedule import Schedule as Schedule
from autograd_cnn.optim.lr_scheduler.sequential import SequentialLR as SequentialLR
from autograd_cnn.spelling import announce as _announce

_announce(globals())
