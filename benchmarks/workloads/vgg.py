"""The training step of a small VGG."""

from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import vgg

WORKLOAD = Workload(title="Small VGG, training step", cases=(Case("batch 64", vgg(64)),), turn=1.0)
