"""The training step of a block of a transformer, on sequences of 64 vectors."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import TRANSFORMER

WORKLOAD = Workload(
    title="Transformer block, training step",
    cases=(Case("batch 16", Network(TRANSFORMER, (64, 128), 16, rate=0.01)),),
    turn=0.5,
)
