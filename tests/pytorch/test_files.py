"""Files of PyTorch's, without running what is in them, and back."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import autograd_cnn as ag
from autograd_cnn import nn


def _theirs():
    layers = torch.nn
    return layers.Sequential(
        layers.Conv2d(1, 4, 3), layers.BatchNorm2d(4), layers.ReLU(), layers.MaxPool2d(2), layers.Flatten(), layers.Linear(36, 5)
    )  # fmt: skip


def _ours(rng):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=rng),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 5, rng=rng),
    )


def test_a_network_goes_there_and_back(tmp_path):
    images = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    theirs, ours = _theirs(), _ours(0)
    theirs(torch.from_numpy(images))  # statistics of its own
    torch.save(theirs.state_dict(), tmp_path / "w.pt")
    ours.load_state_dict(ag.load(tmp_path / "w.pt"))
    with torch.no_grad():
        np.testing.assert_allclose(ours.eval()(images).numpy(), theirs.eval()(torch.from_numpy(images)), atol=1e-5)
    ours = _ours(1)
    ag.save(tmp_path / "w.safetensors", ours)
    theirs.load_state_dict(load_file(tmp_path / "w.safetensors"))
    with torch.no_grad():
        np.testing.assert_allclose(ours.eval()(images).numpy(), theirs(torch.from_numpy(images)), atol=1e-5)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_tensors_of_every_type_and_layout(tmp_path, protocol):
    w = torch.arange(12.0).reshape(3, 4)
    state = {
        "w": w, "transposed": w.T, "part": w[1:, ::2], "expanded": torch.ones(1).expand(5, 2), "none": torch.zeros(0, 4),
        "number": torch.tensor(3), "parameter": torch.nn.Parameter(w * 2), "flags": w > 3,
        **{str(dtype): torch.ones(3).to(dtype) for dtype in (torch.float16, torch.float64, torch.int8, torch.uint8,
                                                             torch.int16, torch.int32, torch.uint16, torch.uint64)},
    }  # fmt: skip
    torch.save(state, tmp_path / "w.pth", pickle_protocol=protocol)
    found = ag.load(tmp_path / "w.pth")
    assert list(found) == list(state)
    for name, tensor in state.items():
        expected = tensor.detach().numpy()
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)
