"""The deceased cascade and its exact undo (AV-01…03). Each change is recorded as before and after; undo writes back
exactly those nobody has touched since. What ends is a list of consumers with one interface (PL-22)."""

from .cascade import CONSUMERS, coming, mark, register, run_pending, undo
from .changes import REASON, NotRestored
from .left import left_to_do, proposals

__all__ = [
    "CONSUMERS",
    "REASON",
    "NotRestored",
    "coming",
    "left_to_do",
    "mark",
    "proposals",
    "register",
    "run_pending",
    "undo",
]
