"""One module per workload, each with a ``WORKLOAD``; a new file here is a new workload."""
