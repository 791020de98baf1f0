"""Functions of functions: derivatives, `vmap` over examples, checkpoints that save memory."""
