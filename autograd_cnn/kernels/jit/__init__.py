"""The fast backend: kernels compiled by Numba."""
