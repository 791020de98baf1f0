"""How a graph is told on a page and in a picture: modules and repetitions as frames, and values in many places as chips."""
