"""A CPA that makes everything up: for the demo, the benchmark and the tests (CPA contract, 16)."""

from cpamp.simulator.server import Simulator

__all__ = ["Simulator"]
