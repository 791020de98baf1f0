"""The training step of a LeNet-5."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import LENET

WORKLOAD = Workload(
    title="LeNet-5, training step",
    cases=tuple(Case(f"batch {batch}", Network(LENET, (1, 28, 28), batch)) for batch in (64, 16, 256)),
)
