"""A captured graph drawn by Graphviz: folding, labels, colours and arrows."""
