"""Peak memory of a training step."""

from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import lenet, vgg

WORKLOAD = Workload(
    title="Peak memory of a training step",
    cases=(Case("LeNet-5, batch 256", lenet(256)), Case("small VGG, batch 64", vgg(64))),
    note="The peak of the resident set over ten steps: above what it was after the imports, and the whole of it.",
    measure="memory",
)
