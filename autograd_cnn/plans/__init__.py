"""Recorded steps as plans: a list of kernel calls that replaces a Python function."""
