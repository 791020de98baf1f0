"""The training step of a LeNet-5."""

from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import lenet

WORKLOAD = Workload(
    title="LeNet-5, training step",
    cases=tuple(Case(f"batch {batch}", lenet(batch)) for batch in (64, 16, 256)),
)
