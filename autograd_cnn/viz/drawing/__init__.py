"""A captured graph as Graphviz draws it: what to fold, how to label and colour, which arrows."""
