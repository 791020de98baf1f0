"""One module per peer; a new file here is a new peer.

A module names its ``PACKAGE`` on the index and defines a function for each kind of task that it
can do: ``network``, ``convolution``, ``chain``, each from a task to a `benchmarks.tasks.Job`. It
is imported in that peer's own process only, so it imports its library at the top; where the
library is not installed the peer is left out. Threads are set in its environment already.
"""
