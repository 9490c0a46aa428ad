"""The deceased cascade and its exact undo (AV-01…03). Each change is recorded as before and after; undo writes back
exactly those nobody has touched since. What ends is a list of consumers with one interface (PL-22)."""

from .cascade import CONSUMERS, again, coming, mark, register, run_pending, undo
from .changes import REASON, NotRestored
from .left import left_to_do, proposals, what_to_do
from .told import correct_date, last_possible_day, told_by_register

__all__ = [
    "CONSUMERS",
    "REASON",
    "NotRestored",
    "again",
    "coming",
    "correct_date",
    "last_possible_day",
    "left_to_do",
    "mark",
    "proposals",
    "register",
    "run_pending",
    "told_by_register",
    "undo",
    "what_to_do",
]
