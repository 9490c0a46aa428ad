"""Two records side by side before they become one, and what was changed since (RI-02, PL-13)."""

from dataclasses import dataclass

from registration import presenters
from scheduling.models import Appointment
from sdv.common.time import local, local_date
from sdv.flows import merging
from sdv.flows.models import MergeChange


@dataclass(frozen=True)
class Compared:
    """One line of the comparison. `is_carried`: only the old record says it, and the present one takes it over."""

    word: str
    old: str
    present: str
    is_carried: bool = False

    @property
    def differs(self):
        return self.old != self.present


# What users write of the patient itself; the other facts of the record are the present one's own.
CARRIED = ("Tolk", "Särskilt boende", "Läkemedelsförmån", "Pascal")


def comparison(source, target, *, at):
    """Both records, line by line where either says something, through the one door to what may be shown (SK-02)."""
    rows = zip(_lines(source, at), _lines(target, at), strict=True)
    return [
        Compared(word, old, present, is_carried=word in CARRIED and bool(old) and not present)
        for (word, old), (_, present) in rows
        if old or present
    ]


def _lines(patient, at):
    today = local_date(at)
    seen = presenters.shown(patient, on=today)
    held = presenters.contact_details(patient)
    nobody = {"Nej": ""}
    return [
        ("Namn", seen.name),
        ("Nummer", f"{presenters.KIND_WORDS.get(seen.identity_kind, '')} {seen.identity}".strip()),
        ("Andra nummer", _listed(seen.other_identities)),
        ("Födelsedatum", seen.birth_date.isoformat() if seen.is_protected and seen.birth_date else seen.birth_text),
        ("Kön", seen.sex_text),
        ("Skydd", seen.protection_text),
        ("Avliden", seen.deceased_text),
        ("Folkbokföring", seen.registration_text),
        ("Listad på", seen.listing_unit),
        ("Huvudman", seen.payer),
        ("Tolk", seen.interpreter_text),
        ("Särskilt boende", seen.special_housing),
        ("Läkemedelsförmån", nobody.get(seen.drug_benefit_text, seen.drug_benefit_text)),
        ("Pascal", nobody.get(seen.pascal_text, seen.pascal_text)),
        ("Telefon", _listed(phone.shown for phone in held["phones"])),
        ("Adresser", _listed(f"{row.kind.name}: {row.street} {row.town}".strip() for row in held["addresses"])),
        ("LMA-nummer och pass", _listed(f"{row.get_kind_display()} {row.value}" for row in held["search_keys"])),
        ("Närstående", _listed(row.name for row in presenters.relations_of(patient, on=today))),
    ]


def _listed(texts):
    return ", ".join(texts)


def coming(source):
    """What moves, in words with numbers."""
    return [f"{count} {name}" for name, count in merging.coming(source)]


def overlaps(source, target):
    """Bookings of the two that collide, in pairs (PL-06): a warning, since one of them may have to be moved."""
    theirs = list(Appointment.objects.living().filter(patient=target).select_related("care_unit"))
    found = []
    for row in Appointment.objects.living().filter(patient=source).select_related("care_unit").order_by("start", "pk"):
        found += [(row, other) for other in theirs if other.start < row.end and row.start < other.end]
    return [
        f"{_moment(row)} på {row.care_unit.name} och {_moment(other)} på {other.care_unit.name}" for row, other in found
    ]


def _moment(appointment):
    return f"{local(appointment.start):%Y-%m-%d %H:%M}"


def facts(done, *, target):
    """What a merge was: the number of the old record, when, who and why."""
    return [
        ("Posten", "" if target.is_protected else _old_number(done)),
        ("Skäl", done.reason),
        ("Sammanslagen av", done.merged_by.name if done.merged_by else ""),
    ]


def _old_number(done):
    moved = MergeChange.objects.filter(merge=done, table="registration.PatientIdentity", before__is_primary=True)
    row = done.target.identities.filter(pk__in=moved.values("row_id")).first()
    row = row or done.source.identities.filter(is_primary=True).first()
    return presenters.identities.display(row.kind, row.value) if row else ""
