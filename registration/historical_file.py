"""The file of contacts of an earlier system (VH-14): read and judged, without a database. docs/historiska.md tells the layout.

What is wrong is said by line and column, never with what stood there: a number is somebody's."""

import csv
import re
from dataclasses import dataclass
from datetime import datetime

from registration import identities
from sdv.common.time import STOCKHOLM

HEADINGS = ("personid", "vardenhet", "start", "slut")
WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")


class NotReadable(Exception):
    """Why nothing of the file can be read."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line."""

    line: int
    reason: str

    def __str__(self):
        return f"rad {self.line}: {self.reason}"


@dataclass(frozen=True)
class Contact:
    """A contact as told: a well-formed number, the HSA-id of a unit, and times on Stockholm's clock."""

    line: int
    kind: str
    number: str
    unit: str
    start: datetime
    end: datetime


def read(content, *, at):
    """(contacts, faults) of the file's bytes. Raises NotReadable where it is no such file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable("Filen är inte UTF-8. Spara den som CSV UTF-8.") from None
    reader = csv.reader(text.splitlines(), delimiter=";", strict=True)
    try:
        headings, *rows = [(reader.line_num, [value.strip() for value in row]) for row in reader if any(row)] or [
            (1, [])
        ]
    except csv.Error:
        raise NotReadable(f"rad {reader.line_num}: raden går inte att läsa som CSV.") from None
    if tuple(headings[1]) != HEADINGS:
        raise NotReadable(f"rad 1: rubrikerna ska vara {';'.join(HEADINGS)}.")
    contacts, faults = [], []
    for line, values in rows:
        try:
            contacts.append(_contact(line, values, at))
        except ValueError as wrong:
            faults.append(Fault(line, str(wrong)))
    return contacts, faults


def _contact(line, values, at):
    if len(values) != len(HEADINGS):
        raise ValueError(f"{len(values)} värden, väntade {len(HEADINGS)}")
    told = dict(zip(HEADINGS, values, strict=True))
    if missing := [name for name in HEADINGS if not told[name]]:
        raise ValueError(f"{', '.join(missing)} saknas")
    try:
        identity = identities.parse(told["personid"], today=at.astimezone(STOCKHOLM).date())
    except identities.IdentityError:
        raise ValueError("personid är inget välformat nummer") from None
    start, end = (_moment(told[name], name) for name in ("start", "slut"))
    if end < start:
        raise ValueError("slut ligger före start")
    if end > at:
        raise ValueError("slut har inte inträffat än")
    return Contact(line, identity.kind, identity.value, told["vardenhet"], start, end)


def _moment(told, name):
    """The instant that is written. Of two equal hours in the autumn the first is meant."""
    if not WRITTEN.fullmatch(told):
        raise ValueError(f"{name} skrivs ÅÅÅÅ-MM-DD TT:MM")
    try:
        clock = datetime.fromisoformat(told)
    except ValueError:
        raise ValueError(f"{name} är ingen tid som finns") from None
    moment = clock.replace(tzinfo=STOCKHOLM)
    if datetime.fromtimestamp(moment.timestamp(), STOCKHOLM).replace(tzinfo=None) != clock:
        raise ValueError(f"{name} finns inte: klockan ställdes fram den natten")
    return moment
