"""The same program for each library: train on digits until 0.98 of the held-out ones are right.

`recipe` says what they share; apart from it each program imports its own library alone.
"""
