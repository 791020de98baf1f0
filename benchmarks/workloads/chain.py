"""What it costs to record one operation, and to go back through it."""

from benchmarks.tasks import Chain
from benchmarks.workload import Case, Workload

NODES = 2000

WORKLOAD = Workload(
    title="Scalar multiply-add chain, per operation",
    cases=(Case(f"{NODES} operations", Chain(NODES), per=NODES),),
    note="Forward and backward together, for one recorded multiplication or addition.",
)
