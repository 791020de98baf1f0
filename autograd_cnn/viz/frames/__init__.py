"""How a page and a picture present a graph: modules and repetitions as frames, and values with many uses as chips."""
