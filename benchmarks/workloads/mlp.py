"""The training step of a network of fully connected layers."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import MLP

WORKLOAD = Workload(
    title="MLP 784-512-512-10, training step", cases=(Case("batch 128", Network(MLP, (784,), 128)),), turn=0.3
)
