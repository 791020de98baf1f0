"""The training step of a U-Net, which scores every pixel of images of 64×64."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import UNET

WORKLOAD = Workload(
    title="U-Net at 64×64, training step", cases=(Case("batch 4", Network(UNET, (3, 64, 64), 4, rate=0.01)),), turn=1.0
)
