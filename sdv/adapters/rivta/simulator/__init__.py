"""A SIMULATOR of the national person service: the same wire format, invented people, loopback only. For training,
development and tests; never a part of production (it refuses to start without SDV_DEMO=1)."""

from .server import FAILURES, Simulator

__all__ = ["FAILURES", "Simulator"]
