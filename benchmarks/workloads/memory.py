"""Peak memory of a training step."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import LENET, RESNET20, UNET, VGG

WORKLOAD = Workload(
    title="Peak memory of a training step",
    cases=(
        Case("LeNet-5, batch 256", Network(LENET, (1, 28, 28), 256)),
        Case("small VGG, batch 64", Network(VGG, (3, 32, 32), 64)),
        Case("ResNet-20, batch 32", Network(RESNET20, (3, 32, 32), 32, rate=0.01)),
        Case("U-Net, batch 4", Network(UNET, (3, 64, 64), 4, rate=0.01)),
    ),
    note="The peak resident set over ten steps: above its size after the imports, and in total.",
    measure="memory",
)
