"""The same figures once more, event by event, in plain Python.

This is what `explain` and `cpamp verify` compare the engine with, and what the tests take for the
truth: a dictionary per group, a sum per figure, nothing vectorised. It reads a stream of events
and keeps only the groups.
"""
