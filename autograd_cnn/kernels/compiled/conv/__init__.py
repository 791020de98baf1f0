"""Correlation and its two adjoints: one file for each algorithm."""
