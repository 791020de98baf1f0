"""The recording engine: nodes, primitives, the backward pass, and replaying recorded calls."""
