"""The program in autograd_cnn, with NumPy alone."""

import autograd_cnn as ag
from benchmarks.cold_start.ours import main

if __name__ == "__main__":
    ag.set_backend("reference")
    main()
