"""The common parts of pages: their scripts, and how a page is assembled from its files."""
