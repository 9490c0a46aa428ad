"""Likely doubles of somebody who is being registered (PL-21): who, on what ground, and what differs. They warn and never
block. Protected persons are neither shown nor counted (SK-05). A fixed number of queries, each by an index."""

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramWordSimilarity

from registration import identities, phones, presenters
from registration.models import Patient, PatientIdentity, PatientPhone, PatientSearchKey, Sex
from registration.names import fold, search_words

MOST = 10
# With the same birth date a name needs to be less like than a name alone.
LIKE_ENOUGH = 0.35
FEWEST_LETTERS = 2


@dataclass(frozen=True)
class Keys:
    """What is known of somebody who is to be registered."""

    given_name: str = ""
    surname: str = ""
    birth_date: object = None
    sex: str = ""
    identity: str = ""
    lma: str = ""
    passport: str = ""
    phone: str = ""

    @property
    def name(self):
        return f"{self.given_name} {self.surname}".strip()

    @property
    def numbers(self):
        """The numbers sought by, in the words of RI-01."""
        return {"person- eller reservnummer": self.identity, "LMA-nummer": self.lma, "passnummer": self.passport}


@dataclass(frozen=True)
class Double:
    """A patient who may be the same person: the grounds, and (word, theirs, typed) where the two differ."""

    patient: object
    grounds: tuple
    differs: tuple


def certain(keys, *, today):
    """Those who have a number that was given: a certain match (RI-01). Also a protected person, by the whole number."""
    found = {}
    for text in keys.numbers.values():
        if text.strip():
            rows = Patient.objects.with_identity(text, today=today).with_primary_identity().order_by("id")[:MOST]
            found |= {row.pk: row for row in rows}
    return list(found.values())


def likely(keys, *, today, apart_from=()):
    """Likely doubles, those with most grounds first."""
    grounds = {}
    for ground, ids in _by_ground(keys, today).items():
        for pk in ids:
            grounds.setdefault(pk, []).append(ground)
    for row in apart_from:
        grounds.pop(row.pk, None)
    rows = Patient.objects.likely_doubles().filter(pk__in=list(grounds)).with_primary_identity()
    ranked = sorted(rows, key=lambda row: (-len(grounds[row.pk]), row.sort_key, row.pk))[:MOST]
    return [Double(row, tuple(grounds[row.pk]), _differs(row, keys, today)) for row in ranked]


def _by_ground(keys, today):
    """Ids of patients by what they have in common with the keys. A ground without its key is not asked for."""
    found = {}
    visible = Patient.objects.likely_doubles()
    words = " ".join(search_words(keys.name))
    birth_date = keys.birth_date or _birth_date_of(keys.identity, today)
    if birth_date and len(words) >= FEWEST_LETTERS:
        near = visible.filter(birth_date=birth_date).annotate(nearness=TrigramWordSimilarity(words, "search_name"))
        found["samma födelsedatum och liknande namn"] = (
            near.filter(nearness__gte=LIKE_ENOUGH).order_by("-nearness", "id").values_list("pk", flat=True)[:MOST]
        )
    if number := phones.normalised(keys.phone):
        held = PatientPhone.objects.filter(number=number, patient__in=visible)
        found["samma telefonnummer"] = held.order_by("patient").values_list("patient", flat=True)[:MOST]
    sought = [compact for text in (keys.lma, keys.passport) if (compact := identities.search_key(text))]
    if sought:
        held = PatientSearchKey.objects.filter(value__in=sought, patient__in=visible)
        found["samma LMA- eller passnummer"] = held.order_by("patient").values_list("patient", flat=True)[:MOST]
    spellings = identities.candidates(keys.identity, today=today)
    if mistaken := [wrong for value in spellings for wrong in identities.mistaken(value)]:
        held = PatientIdentity.objects.filter(value__in=mistaken, patient__in=visible)
        found["numret skiljer på två siffror som bytt plats"] = held.order_by("patient").values_list(
            "patient", flat=True
        )[:MOST]
    return found


def _birth_date_of(text, today):
    """What a whole number says, where the birth date is not told beside it."""
    try:
        return identities.parse(text, today=today).birth_date
    except identities.IdentityError:
        return None


def _differs(patient, keys, today):
    seen = presenters.shown(patient, on=today)
    pairs = [
        ("Efternamn", seen.surname, keys.surname),
        ("Förnamn", seen.given_name, keys.given_name),
        ("Födelsedatum", presenters.birth_text(patient), keys.birth_date.isoformat() if keys.birth_date else ""),
        ("Kön", seen.sex_text, Sex(keys.sex).label if keys.sex in (Sex.MALE, Sex.FEMALE) else ""),
    ]
    return tuple((word, theirs, typed) for word, theirs, typed in pairs if typed and fold(theirs) != fold(typed))
