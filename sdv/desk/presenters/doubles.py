"""Likely doubles as they are shown beside the form of somebody who is being registered (PL-21)."""

from dataclasses import dataclass

from django.urls import reverse

from registration import doubles, presenters
from sdv.common.time import local_date


@dataclass(frozen=True)
class ShownDouble:
    """Who it may be, why, and (word, theirs, typed) where the two differ."""

    url: str
    name: str
    identity: str
    age_text: str
    grounds: str
    differs: tuple


def shown(keys, *, at, apart_from=()):
    """The likely doubles of the keys and their patients' ids, for the page and the access log."""
    today = local_date(at)
    found = doubles.likely(keys, today=today, apart_from=apart_from)
    return [_row(double, today) for double in found], [double.patient.pk for double in found]


def _row(double, today):
    seen = presenters.shown(double.patient, on=today)
    grounds = ", ".join(double.grounds)
    return ShownDouble(
        url=reverse("patient", args=[seen.id]),
        name=seen.name,
        identity=seen.identity,
        age_text=seen.age_text,
        grounds=grounds[:1].upper() + grounds[1:],
        differs=double.differs,
    )


def certain(patients, *, at):
    """Those who have a number that was given, as rows of the same kind; a protected one by the marking alone (SK-05)."""
    today = local_date(at)
    return [_row(doubles.Double(patient, ("har numret",), ()), today) for patient in patients]
