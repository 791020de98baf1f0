"""The first epoch of training on digits, from the start of the interpreter; with `benchmarks.cold_start`'s data."""
