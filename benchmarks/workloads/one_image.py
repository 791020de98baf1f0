"""The scores of a single image."""

from benchmarks.tasks import Inference
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import LENET, MOBILENET_V2, RESNET18, RESNET20

WORKLOAD = Workload(
    title="One image, inference",
    cases=(
        Case("LeNet-5", Inference(LENET, (1, 28, 28), 1)),
        Case("ResNet-20", Inference(RESNET20, (3, 32, 32), 1)),
        Case("ResNet-18 at 64×64", Inference(RESNET18, (3, 64, 64), 1)),
        Case("MobileNetV2 at 64×64", Inference(MOBILENET_V2, (3, 64, 64), 1)),
    ),
    note="Without gradients; normalisation uses running statistics, which ONNX Runtime folds into the convolutions.",
)
