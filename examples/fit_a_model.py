"""Estimate the width of a pinhole from its diffraction pattern: SciPy fits, and the engine computes the Jacobian.

Light through a round hole makes rings of brightness (2 J1(x) / x)², with x proportional to its diameter (Airy 1835). J1
comes from SciPy, so we supply its gradient rule: J1' = (J0 - J2) / 2.
"""

import numpy as np
from scipy.optimize import least_squares
from scipy.special import jv

import autograd_cnn as ag


@ag.primitive
def j1(x):
    """Return the Bessel function of the first kind and order 1."""
    return jv(1, x)


@j1.vjp("x")
def j1_vjp_x(g, *, x):
    """The derivative, from the recurrence relation of Bessel functions."""
    return g * (jv(0, x) - jv(2, x)) / 2


ag.testing.gradcheck(j1, [np.linspace(-5, 5, 7)])

WAVELENGTH = 0.633e-3  # mm
DISTANCE = 1000.0  # mm
radius = np.linspace(0.05, 30, 150)  # on the screen, in mm


def brightness(parameters):
    """Return the pattern of a hole with a diameter in mm, a brightness, and the brightness of the background."""
    diameter, peak, room = parameters[0], parameters[1], parameters[2]
    x = np.pi * diameter / WAVELENGTH * radius / np.hypot(radius, DISTANCE)
    return room + peak * (2 * j1(x) / x) ** 2


rng = np.random.default_rng(0)
measured = brightness(np.array([0.1, 2.0, 0.05])) + 0.01 * rng.standard_normal(radius.size)


def residuals(parameters):
    """Return the residuals of the model."""
    return brightness(parameters) - measured


fit = least_squares(residuals, [0.06, 1.0, 0.0], jac=ag.jacobian(residuals), x_scale=[0.1, 1.0, 0.1])
spread = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)) * np.sum(fit.fun**2) / (radius.size - 3))
print(f"diameter {1000 * fit.x[0]:.2f} ± {1000 * spread[0]:.2f} µm, after {fit.njev} Jacobians")
print(f"peak {fit.x[1]:.3f} ± {spread[1]:.3f}, room {fit.x[2]:.4f} ± {spread[2]:.4f}")
