"""The training step of a small VGG."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import VGG

WORKLOAD = Workload(
    title="Small VGG, training step", cases=(Case("batch 64", Network(VGG, (3, 32, 32), 64)),), turn=1.0
)
