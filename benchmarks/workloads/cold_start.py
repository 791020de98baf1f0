"""A whole program: train on handwritten digits until 0.98 of the held-out ones are right."""

from benchmarks.tasks import Script
from benchmarks.workload import Case, Workload

WORKLOAD = Workload(
    title="Digits to 0.98, whole process",
    cases=(Case("from start to end", Script("benchmarks.cold_start")),),
    note="Interpreter start and imports included; compiled code was cached by a run before. "
    "Same data, first weights, batches, optimiser and rates.",
    measure="process",
)
