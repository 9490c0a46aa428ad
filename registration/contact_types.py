"""Kontakttyp, in PASiS terms: derived from the registration, never typed (BT-03, DI-01, DI-08). Pure.

A visit's kontakttyp follows from its besökstyp; a contact without a visit's from distanskontakt_beslut.csv. Where the
registration does not decide, there is none: pasis_kontakttyper.csv has codes whose meaning is not public, and none of
them is ever made up."""

import csv
from dataclasses import dataclass
from pathlib import Path

from django.db.models import TextChoices

from registration.lifecycle import CONTACT_WITHOUT_VISIT

DATA = Path(__file__).parent / "data"


class ContactType(TextChoices):
    """The eight kontakttyper that a registration can have."""

    NEW = "NY", "Nybesök"
    RETURN = "ÅB", "Återbesök"
    PHONE_VISIT = "KT", "Telefonkontakt som ersätter besök"
    VIDEO_VISIT = "VK", "Videokontakt i realtid som ersätter besök"
    TEXT_VISIT = "KB", "Text som ersätter besök"
    PHONE = "TE", "Telefonkontakt"
    TEXT = "BR", "Skriftlig kontakt som inte ersätter besök"
    AMONG_STAFF = "KO", "Kontakt med personal om patient"


class Channel(TextChoices):
    """How a contact took place (DI-01, DI-03)."""

    PHYSICAL = "physical", "fysiskt"
    VIDEO = "video", "realtid ljud/bild/chatt i kombination"
    PHONE = "phone", "telefon"
    TEXT = "text", "text"
    AMONG_STAFF = "staff", "mellan personal"


DISTANT = {Channel.VIDEO, Channel.PHONE, Channel.TEXT}
NEW, RETURN = "new", "return"
_OF_RETURN_VISITS = {
    Channel.PHYSICAL: ContactType.RETURN,
    Channel.PHONE: ContactType.PHONE_VISIT,
    Channel.VIDEO: ContactType.VIDEO_VISIT,
}


def _rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=";")


def _decisions():
    """DI-01: (channel, replaces a visit) to kontakttyp."""
    channels = {each.label: each for each in Channel}
    for row in _rows("distanskontakt_beslut.csv"):
        channel, code = channels.get(row["kanal"]), row["pasis"].partition(" ")[0]
        if channel is None or code not in ContactType.values:
            continue
        # Among staff nothing is replaced: what was answered does not matter.
        answers = [True, False, None] if channel == Channel.AMONG_STAFF else [row["ersatter_besok"] == "ja"]
        yield from (((channel, answer), ContactType(code)) for answer in answers)


DECISIONS = dict(_decisions())
# Every code that PASiS has, with its name: empty where no public text says what it means.
PASIS_NAMES = {row["kod"]: row["benamning"] for row in _rows("pasis_kontakttyper.csv")}


@dataclass(frozen=True)
class ContactFacts:
    """What decides the kontakttyp. `new_or_return` is the besökstyp's, empty where it is neither or there is none."""

    encounter_type: str
    channel: str = ""
    new_or_return: str = ""
    replaces_visit: bool | None = None


def contact_type(facts):
    """The kontakttyp, or None where the registration does not tell (BT-03)."""
    if facts.encounter_type == CONTACT_WITHOUT_VISIT:
        decided = DECISIONS.get((facts.channel, facts.replaces_visit))
        # DI-08: a first visit done at a distance keeps NY, booked or not; a contact that replaces none is no visit.
        first = facts.new_or_return == NEW and facts.replaces_visit and facts.channel in DISTANT
        return ContactType.NEW if first else decided
    if facts.new_or_return == NEW:
        return ContactType.NEW
    return _OF_RETURN_VISITS.get(facts.channel) if facts.new_or_return == RETURN else None


def new_or_return_of(visit_type):
    """Nybesök or återbesök of a besökstyp (BT-02): its own field, else what its kind of visit can only be."""
    if visit_type is None:
        return ""
    kind = visit_type.visit_kind
    if visit_type.new_or_return or kind.may_be_new == kind.may_be_return:
        return visit_type.new_or_return
    return NEW if kind.may_be_new else RETURN


def facts_of(encounter):
    """The facts as an encounter carries them; its besökstyp with its kind of visit is read."""
    return ContactFacts(
        encounter_type=encounter.type_id,
        channel=encounter.contact_form,
        new_or_return=new_or_return_of(encounter.visit_type),
        replaces_visit=encounter.replaces_visit,
    )
