"""A captured graph as one HTML page to look around in: frames, their layout, and the viewer's scripts."""
