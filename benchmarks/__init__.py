"""The same work in autograd_cnn and in its peers, timed side by side: ``python -m benchmarks``.

`tasks` says what can be asked of a peer, `workloads` what is asked, `peers` how each answers;
`worker` runs one peer in a separate process, and `harness` takes turns with all of them.
"""
