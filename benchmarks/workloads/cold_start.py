"""Whole programs: train on handwritten digits until 0.98 of the held-out ones are right, and the first contact."""

from benchmarks.tasks import Script
from benchmarks.workload import Case, Workload

WORKLOAD = Workload(
    title="Digits, whole process",
    cases=(
        Case("to 0.98, compiled before", Script("benchmarks.cold_start")),
        Case("to 0.98, nothing compiled before", Script("benchmarks.cold_start", empty_cache=True)),
        Case("one epoch, nothing compiled before", Script("benchmarks.first_epoch", empty_cache=True)),
    ),
    note="Interpreter start and imports included. To 0.98: same data, first weights, batches, optimiser and rates. "
    "One epoch: ours is `autograd-cnn train --epochs 1`.",
    measure="process",
    max_rounds=3,
)
