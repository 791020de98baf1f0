"""A generator learns to place points on a ring, against a critic whose gradient norm is kept near 1.

The critic's loss contains the norm of its own gradient, so the backward pass is differentiated, too (Gulrajani et al.
2017, arXiv:1704.00028).
"""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn, optim


def network(inputs, outputs, rng):
    """Return a network with two smooth hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, 32, rng=rng),
        nn.SiLU(),
        nn.Linear(32, 32, rng=rng),
        nn.SiLU(),
        nn.Linear(32, outputs, rng=rng),
    )


rng = np.random.default_rng(0)
generator, critic = network(2, 2, rng), network(2, 1, rng)
to_generate = optim.Adam(generator.parameters(), lr=4e-3, betas=(0.5, 0.9))
to_criticise = optim.Adam(critic.parameters(), lr=4e-3, betas=(0.5, 0.9))


def noise(count=128):
    """Return random inputs for the generator."""
    return rng.standard_normal((count, 2)).astype(np.float32)


def ring(count=128):
    """Return points near the unit circle."""
    angle = rng.uniform(0, 2 * np.pi, count)
    return (np.stack([np.cos(angle), np.sin(angle)], 1) + 0.03 * rng.standard_normal((count, 2))).astype(np.float32)


for step in range(800):
    for _ in range(3):
        real, made = ring(), generator(noise()).detach().numpy()
        share = rng.random((128, 1), np.float32)
        between = ag.tensor(share * real + (1 - share) * made, requires_grad=True)
        [slope] = ag.gradients(critic(between).sum(), [between], create_graph=True)
        penalty = ((ag.sqrt((slope * slope).sum(axis=1) + 1e-12) - 1) ** 2).mean()
        loss = critic(made).mean() - critic(real).mean() + 0.3 * penalty
        to_criticise.zero_grad()
        loss.backward()
        to_criticise.step()
    loss = -critic(generator(noise())).mean()
    to_generate.zero_grad()
    loss.backward()
    to_generate.step()
    if step % 200 == 199:
        with ag.no_grad():
            points = generator(noise(2000)).numpy()
        distance = np.hypot(*points.T)
        print(f"step {step + 1}: distance from the centre {distance.mean():.3f} ± {distance.std():.3f}")

quarters = np.histogram(np.arctan2(points[:, 1], points[:, 0]), 4, (-np.pi, np.pi))[0] / len(points)
print("share of the points in each quarter:", *(f"{share:.2f}" for share in quarters))
