"""Reads settings from the environment and says, all at once, which are missing."""

import os

from django.core.exceptions import ImproperlyConfigured

MISSING = []


def required(name):
    """The value of an environment variable that has no safe default."""
    value = os.environ.get(name, "")
    if not value:
        MISSING.append(name)
    return value


def optional(name, default=""):
    return os.environ.get(name, default)


def flag(name):
    """True only for the value 1: everything else is off."""
    return os.environ.get(name, "") == "1"


def listed(value):
    return [part.strip() for part in value.split(",") if part.strip()]


def stop_if_missing():
    """Raises ImproperlyConfigured with the name of every required variable that was not set."""
    if MISSING:
        raise ImproperlyConfigured(
            f"Miljövariabler saknas: {', '.join(sorted(set(MISSING)))}. Se docs/drift.md för vad de betyder."
        )
