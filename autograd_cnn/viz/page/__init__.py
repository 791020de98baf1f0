"""A captured graph as one interactive HTML page: frames, their layout, and the viewer's scripts."""
