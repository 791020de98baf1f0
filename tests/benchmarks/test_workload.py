from autograd_cnn import nn
from benchmarks import workload as module
from benchmarks.workload import is_ours, is_torch, peer_names, workloads


def test_all_workloads_are_found():
    assert set(workloads()) == {
        "chain",
        "cold_start",
        "convolutions",
        "float64",
        "lenet",
        "lstm",
        "memory",
        "mlp",
        "mobilenet_v2",
        "one_image",
        "operations",
        "resnet18",
        "resnet20",
        "scaling",
        "transformer",
        "unet",
        "vgg",
    }


def test_cases_have_names_of_their_own():
    for workload in workloads().values():
        names = [case.name for case in workload.cases]
        assert len(set(names)) == len(names)


def test_ours_come_first_and_shared_modules_are_no_peers():
    names = peer_names()
    assert names[:3] == ["ours", "ours_compiled", "ours_reference"]
    assert {"autograd", "jax", "micrograd", "mygrad", "onnxruntime", "tinygrad", "torch"} < set(names)
    assert not [name for name in names if name.startswith("_")]


def test_variants_belong_to_their_library():
    assert list(map(is_ours, ("ours", "ours_reference", "torch"))) == [True, True, False]
    assert list(map(is_torch, ("torch", "torch_compile", "ours"))) == [True, True, False]


def test_installed_goes_by_the_library(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "find_spec", asked.append)
    assert not module.installed("torch_compile")
    assert not module.installed("ours_reference")
    assert asked == ["torch", "autograd_cnn"]


def test_the_counts_of_the_networks_are_known():
    lenet = {case.name: case.task.flops for case in workloads()["lenet"].cases}
    assert round(lenet["batch 256"] / 1e9, 2) == 0.39
    assert lenet["batch 256"] == 4 * lenet["batch 64"]
    assert round(workloads()["vgg"].cases[0].task.flops / 1e9, 1) == 14.7


def test_the_networks_have_the_weights_of_those_that_are_published():
    """`tests.nn.test_models` holds the package's own to these, by their names."""
    for name, network in (
        ("resnet18", nn.resnet18(rng=0, classes=10)),
        ("mobilenet_v2", nn.mobilenet_v2(rng=0, classes=10)),
    ):
        task = workloads()[name].cases[0].task
        assert sum(weight.size for weight in task.weights().values()) == sum(p.size for p in network.parameters())


def test_the_convolutions_hold_all_three_sides():
    cases = workloads()["convolutions"].cases
    assert {case.task.side for case in cases} == {"forward", "wrt_input", "wrt_weight"}
    assert {case.group for case in cases} == {"LeNet", "VGG", "ResNet-50", ""}
    first = [case.name for case in cases if case.name.startswith("ResNet-50: 3→64, 7×7 / 2 on 224×224")]
    assert len(first) == 2  # a network needs no gradient of its images
