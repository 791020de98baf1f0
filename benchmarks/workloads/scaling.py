"""How the cost of an operation grows with the length of the graph."""

from benchmarks.tasks import Chain
from benchmarks.workload import Case, Workload

WORKLOAD = Workload(
    title="From 1 to 10⁶ nodes, per node",
    cases=tuple(Case(f"{nodes:,} nodes", Chain(nodes), per=nodes) for nodes in (10**k for k in range(7))),
    note="The chain of the workload above at other lengths: a flat line is a cost that stays linear.",
    quick=4,
    max_rounds=1,
)
