"""The training step of a MobileNetV2 on images of 64×64 pixels."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import MOBILENET_V2

WORKLOAD = Workload(
    title="MobileNetV2 at 64×64, training step",
    cases=(Case("batch 32", Network(MOBILENET_V2, (3, 64, 64), 32, rate=1e-4)),),
    turn=1.0,
)
