import math

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.layers.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

SEQUENCES = [RNN, LSTM, GRU]
CELLS = {RNN: RNNCell, LSTM: LSTMCell, GRU: GRUCell}

# By PyTorch 2.13, in float64, for the network, the sequence and the cotangent of `_as_in_pytorch`:
# the last outputs, the last states, and parts of the gradients in x, weight_hh_l0 and bias_ih_l1.
PYTORCH = {
    (RNN, "tanh"): {
        "y": [0.270333919446, 0.887677705908, 0.519261979076, 0.78363160391],
        "h": [0.683887401546, -0.920990165844, 0.395691011488, -0.732345537129,
              0.270333919446, 0.887677705908, 0.519261979076, 0.78363160391],
        "x": [0.00459419626, -0.047401031496, 0.066766027416, -0.204945296078],
        "weight_hh_l0": [-0.032048150847, 0.046608535752],
        "bias_ih_l1": [0.821597219197, -0.301862865761],
    },
    (RNN, "relu"): {
        "y": [0.0, 1.952291636958, 0.170428725826, 1.245664373728],
        "h": [1.704527605253, 0.0, 1.290367681933, 0.0, 0.0, 1.952291636958, 0.170428725826, 1.245664373728],
        "x": [0.0, 0.537285896609, 0.0, -0.721557869816],
        "weight_hh_l0": [-0.616169602339, 0.0],
        "bias_ih_l1": [0.560810938037, 0.148788856704],
    },
    (LSTM, None): {
        "y": [0.105857174483, 0.255319056851, 0.133927257115, 0.227849064045],
        "h": [0.26635724008, -0.269735953241, -0.041512518287, -0.398249695636,
              0.105857174483, 0.255319056851, 0.133927257115, 0.227849064045,
              0.396273435694, -0.441961007652, -0.090591174328, -0.526212485249,
              0.54798712289, 0.818058934378, 0.666180692832, 0.71325241719],
        "x": [0.010887819437, 0.004602619246, 0.002749975853, 0.001662405774],
        "weight_hh_l0": [0.001451765169, -0.001305031628],
        "bias_ih_l1": [0.002579534569, -0.002639496234],
    },
    (GRU, None): {
        "y": [0.366773478956, 0.71964811607, 0.607579471212, 0.497664680012],
        "h": [0.382496011033, -0.479008552045, -0.240952569582, -0.358371852417,
              0.366773478956, 0.71964811607, 0.607579471212, 0.497664680012],
        "x": [-0.025739625742, -0.007386372422, -0.072918300297, -0.028012291807],
        "weight_hh_l0": [-0.002121612942, 0.001098940828],
        "bias_ih_l1": [0.035568264982, 0.05136906267],
    },
}  # fmt: skip


def _as_in_pytorch(kind, nonlinearity):
    options = {"nonlinearity": nonlinearity} if nonlinearity else {}
    net = kind(2, 2, num_layers=2, dtype=float, **options)
    net.load_state_dict(
        {
            name: 0.8 * np.sin(1.7 * np.arange(p.size) + place).reshape(p.shape)
            for place, (name, p) in enumerate(net.named_parameters())
        }
    )
    x = ag.tensor(np.cos(0.9 * np.arange(12)).reshape(3, 2, 2), requires_grad=True)
    return net, x, np.sin(np.arange(12.0)).reshape(3, 2, 2)


def _flat(hx):
    return np.concatenate([values_of(part).ravel() for part in (hx if isinstance(hx, tuple) else (hx,))])


@pytest.mark.parametrize(("kind", "nonlinearity"), PYTORCH)
def test_values_and_gradients_are_pytorchs(kind, nonlinearity):
    net, x, g = _as_in_pytorch(kind, nonlinearity)
    y, hx = net(x)
    y.backward(g)
    found = {
        "y": y.numpy()[-1],
        "h": _flat(hx),
        "x": x.grad.numpy()[0],
        "weight_hh_l0": net.weight_hh_l0.grad.numpy()[0],
        "bias_ih_l1": net.bias_ih_l1.grad.numpy()[:2],
    }
    for name, expected in PYTORCH[kind, nonlinearity].items():
        np.testing.assert_allclose(found[name].ravel(), expected, rtol=0, atol=2e-12, err_msg=name)


def _sigmoid(z):
    return 1 / (1 + math.exp(-z))


def _loop(kind, parameters, x, state):
    """Return the states after one step for one example, number by number."""
    w, u, b, c = parameters
    old, units = state[0], len(state[0])
    rows = range(len(w))
    ux = [sum(w[k][i] * x[i] for i in range(len(x))) + b[k] for k in rows]
    vh = [sum(u[k][j] * old[j] for j in range(units)) + c[k] for k in rows]
    if kind is RNN:
        return ([math.tanh(ux[k] + vh[k]) for k in rows],)
    if kind is GRU:
        h = []
        for k in range(units):
            r, z = _sigmoid(ux[k] + vh[k]), _sigmoid(ux[units + k] + vh[units + k])
            n = math.tanh(ux[2 * units + k] + r * vh[2 * units + k])
            h.append((1 - z) * n + z * old[k])
        return (h,)
    h, cells = [], []
    for k in range(units):
        i, f, g, o = (ux[gate * units + k] + vh[gate * units + k] for gate in range(4))
        cells.append(_sigmoid(f) * state[1][k] + _sigmoid(i) * math.tanh(g))
        h.append(_sigmoid(o) * math.tanh(cells[k]))
    return h, cells


@pytest.mark.parametrize("kind", SEQUENCES)
def test_values_against_loops(rng, kind):
    net = kind(3, 2, rng=rng, dtype=float)
    x, first = rng.standard_normal((4, 3)), [rng.standard_normal(2) for _ in range(1 + (kind is LSTM))]
    state = tuple(first)
    expected = []
    for step in x:
        state = _loop(kind, list(net.state_dict().values()), step, state)
        expected.append(state[0])
    hx = tuple(part[None] for part in first)
    y, last = net(x, hx if kind is LSTM else hx[0])
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(_flat(last), np.ravel(state), rtol=1e-12)


@pytest.mark.parametrize("kind", SEQUENCES)
def test_gradients_against_differences(rng, kind):
    net = kind(2, 2, num_layers=2, dtype=float)
    names = list(net.state_dict())
    arrays = [rng.standard_normal(p.shape) for p in net.parameters()]
    states = [rng.standard_normal((2, 1, 2)) for _ in range(1 + (kind is LSTM))]

    def run(x, *rest):
        parameters, hx = rest[: len(names)], rest[len(names) :]
        for name, value in zip(names, parameters, strict=True):
            delattr(net, name)
            setattr(net, name, value)
        y, last = net(x, tuple(hx) if kind is LSTM else hx[0])
        return ag.concatenate([ag.reshape(part, shape=-1) for part in (y, *(last if kind is LSTM else (last,)))])

    run_all = [rng.standard_normal((3, 1, 2)), *arrays, *states]
    ag.testing.gradcheck(run, run_all)


@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_cell_step_by_step_is_the_sequence(rng, kind):
    net = kind(3, 2, rng=rng)
    cell = CELLS[kind](3, 2)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in net.state_dict().items()})
    x = rng.standard_normal((4, 5, 3)).astype(np.float32)
    y, last = net(x)
    hx = None
    for step, expected in zip(x, y.numpy(), strict=True):
        hx = cell(step, hx)
        assert np.array_equal((hx[0] if kind is LSTM else hx).numpy(), expected)
    assert np.array_equal(_flat(hx), _flat(last))
    assert y.dtype == np.float32


@pytest.mark.parametrize("kind", SEQUENCES)
def test_batch_first_and_no_batch_are_the_same_numbers(rng, kind):
    net = kind(3, 2, num_layers=2, rng=rng, dtype=float)
    x = rng.standard_normal((5, 4, 3))
    y, last = net(x)
    turned = kind(3, 2, num_layers=2, batch_first=True, dtype=float)
    turned.load_state_dict(net.state_dict())
    z, last_turned = turned(x.swapaxes(0, 1))
    np.testing.assert_allclose(z.numpy().swapaxes(0, 1), y.numpy(), rtol=1e-12)
    np.testing.assert_allclose(_flat(last_turned), _flat(last), rtol=1e-12)
    for one in (net, turned):
        np.testing.assert_allclose(one(x[:, 1])[0].numpy(), y.numpy()[:, 1], rtol=1e-12)


def test_the_shared_weights_gradient_is_the_sum_over_the_steps():
    cell = RNNCell(1, 1, bias=False, nonlinearity="relu", dtype=float)
    cell.load_state_dict({"weight_ih": [[1.0]], "weight_hh": [[2.0]]})
    h = np.array([5.0])
    for _ in range(3):
        h = cell(np.zeros(1), h)
    h.backward()
    assert h.tolist() == [40.0]  # h = u³·5
    assert cell.weight_hh.grad.tolist() == [[60.0]]  # 3·u²·5


@pytest.mark.parametrize(("kind", "gates"), [(RNN, 1), (LSTM, 4), (GRU, 3)])
def test_names_and_shapes_are_pytorchs(kind, gates):
    net = kind(3, 5, num_layers=2)
    assert {name: value.shape for name, value in net.state_dict().items()} == {
        "weight_ih_l0": (gates * 5, 3), "weight_hh_l0": (gates * 5, 5),
        "bias_ih_l0": (gates * 5,), "bias_hh_l0": (gates * 5,),
        "weight_ih_l1": (gates * 5, 5), "weight_hh_l1": (gates * 5, 5),
        "bias_ih_l1": (gates * 5,), "bias_hh_l1": (gates * 5,),
    }  # fmt: skip
    assert list(CELLS[kind](3, 5).state_dict()) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert list(kind(3, 5, bias=False).state_dict()) == ["weight_ih_l0", "weight_hh_l0"]


def test_without_biases_is_with_biases_of_zero(rng):
    for kind in SEQUENCES:
        bare, net = kind(3, 2, bias=False, rng=0), kind(3, 2)
        zeros = {name: np.zeros_like(value) for name, value in net.state_dict().items()}
        net.load_state_dict({**zeros, **bare.state_dict()})
        x = rng.standard_normal((4, 3)).astype(np.float32)
        assert np.array_equal(bare(x)[0].numpy(), net(x)[0].numpy())


def test_first_values_are_within_pytorchs_bound_and_follow_the_seed():
    one, two = LSTM(50, 100, rng=3), LSTM(50, 100, rng=3)
    for p in one.parameters():
        assert p.dtype == np.float32
        assert 0.09 < np.abs(p.numpy()).max() <= 0.1
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(one.parameters(), two.parameters(), strict=True))


def test_the_lines_they_show():
    assert repr(RNNCell(3, 2)) == "RNNCell(3, 2): 14 parameters"
    assert repr(GRUCell(3, 2, bias=False)) == "GRUCell(3, 2, bias=False): 30 parameters"
    assert repr(GRU(3, 2)) == "GRU(3, 2): 42 parameters"
    expected = "LSTM(3, 2, num_layers=2, bias=False, batch_first=True): 72 parameters"
    assert repr(LSTM(3, 2, 2, bias=False, batch_first=True)) == expected
    expected = "LSTM(3, 2, dropout=0.5, bidirectional=True, proj_size=1): 100 parameters"
    assert repr(LSTM(3, 2, dropout=0.5, bidirectional=True, proj_size=1)) == expected


@pytest.mark.parametrize("kind", SEQUENCES)
def test_the_second_direction_reads_backwards(rng, kind):
    net = kind(3, 2, bidirectional=True, rng=rng, dtype=float)
    back = kind(3, 2, dtype=float)
    back.load_state_dict(
        {name.removesuffix("_reverse"): value for name, value in net.state_dict().items() if "rev" in name}
    )
    x = rng.standard_normal((4, 5, 3))
    (y, last), (z, end) = net(x), back(x[::-1])
    np.testing.assert_allclose(y.numpy()[:, :, 2:], z.numpy()[::-1], rtol=1e-12)
    for part, whole in zip(*(each if kind is LSTM else (each,) for each in (end, last)), strict=True):
        np.testing.assert_allclose(whole.numpy()[1:], part.numpy(), rtol=1e-12)


def test_dropout_is_between_layers_and_in_training_alone(rng):
    net, x = GRU(3, 40, 2, dropout=0.5, rng=0, dtype=float), rng.standard_normal((4, 5, 3))
    first = GRU(3, 40, dtype=float)
    first.load_state_dict({name: value for name, value in net.state_dict().items() if name.endswith("_l0")})
    trained = net(x)
    assert not np.array_equal(net(x)[0].numpy(), trained[0].numpy())  # the generator moves on
    assert np.array_equal(trained[1].numpy()[0], first(x)[1].numpy()[0])
    net.eval()
    assert np.array_equal(net(x)[0].numpy(), net(x)[0].numpy())
    alone = GRU(3, 40, dropout=0.5, rng=0, dtype=float)
    assert np.array_equal(alone(x)[0].numpy(), alone.eval()(x)[0].numpy())


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_the_steps_of_tracing_give_the_same_numbers(rng, kind):
    net, x = kind(3, 4, 2, bidirectional=True, rng=0, dtype=float), rng.standard_normal((5, 2, 3))
    y, last = net(x)
    with ag.tracing():
        z, end = net(x)
    np.testing.assert_allclose(z.numpy(), y.numpy(), rtol=1e-12)
    np.testing.assert_allclose(_flat(end), _flat(last), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RNN(0, 2), "RNN: input_size is out of range: expected an int of at least 1, got 0"),
        (lambda: GRUCell(1, -1), "GRUCell: hidden_size is out of range: expected an int of at least 1, got -1"),
        (lambda: LSTM(1, 1, 0), "LSTM: num_layers is out of range: expected an int of at least 1, got 0"),
        (lambda: LSTM(1, 2, proj_size=2),
         "LSTM: proj_size is out of range: expected less than hidden_size, 2, or 0 for none, got 2"),
        (lambda: GRU(1, 1, dropout=2), "GRU: dropout is out of range: expected a number from 0 to 1, got 2"),
        (lambda: RNN(1, 1, nonlinearity="elu"), "RNN: nonlinearity is unknown: expected 'tanh' or 'relu', got 'elu'"),
    ],
)  # fmt: skip
def test_parameters_out_of_range(make, message):
    with pytest.raises(ArgumentError) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RNNCell(3, 2)(np.ones((1, 1, 3))),
         "RNNCell: x has the wrong shape: expected (N, 3) or (3,), got (1, 1, 3)"),
        (lambda: GRU(3, 2)(np.ones((4, 2))),
         "GRU: x has the wrong shape: expected (T, N, 3) or (T, 3), with T > 0, got (4, 2)"),
        (lambda: LSTM(3, 2, batch_first=True)(np.ones((4, 0, 3))),
         "LSTM: x has the wrong shape: expected (N, T, 3) or (T, 3), with T > 0, got (4, 0, 3)"),
        (lambda: GRU(3, 2)(np.ones((4, 5, 3)), np.ones((5, 2))),
         "GRU: hx has the wrong shape: expected (1, 5, 2), got (5, 2)"),
        (lambda: LSTM(3, 4, bidirectional=True, proj_size=2)(np.ones((4, 5, 3)), np.ones((2, 5, 4))),
         "LSTM: hx has the wrong shape: expected (2, 5, 2) and (2, 5, 4), got (2, 5, 4)"),
        (lambda: LSTMCell(3, 2)(np.ones((5, 3)), np.ones((5, 2))),
         "LSTMCell: hx has the wrong shape: expected (5, 2) and (5, 2), got (5, 2)"),
        (lambda: LSTMCell(3, 2)(np.ones((5, 3)), (np.ones((5, 2)), np.ones(2))),
         "LSTMCell: hx has the wrong shape: expected (5, 2) and (5, 2), got (5, 2) and (2,)"),
    ],
)  # fmt: skip
def test_inputs_and_states_that_do_not_fit(call, message):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == message
