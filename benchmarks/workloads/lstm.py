"""The training step of an LSTM that reads 28 rows of 28 pixels."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import LSTM

WORKLOAD = Workload(
    title="LSTM, 28 steps, training step", cases=(Case("batch 64", Network(LSTM, (28, 28), 64)),), turn=0.5
)
