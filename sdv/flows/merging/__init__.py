"""Merging a record on a reserve number into the person's present one, and its exact undo (RI-02, PL-13).

`rules` says why not, `tables` what of a patient moves and what stays, `acts` merges and undoes, `since` tells what was
changed or has come between the two."""

from .acts import merge, undo
from .rules import direction, is_own_repeat, latest, refusal, told_as_one, undo_refusal
from .since import ToCheck, kept, since
from .tables import coming, undecided

__all__ = [
    "ToCheck",
    "coming",
    "direction",
    "is_own_repeat",
    "kept",
    "latest",
    "merge",
    "refusal",
    "since",
    "told_as_one",
    "undecided",
    "undo",
    "undo_refusal",
]
