"""How a letter goes, and to which address (KA-05, regional-rules 6.2). Pure: facts in, an answer out."""

from registration.identities import PERSONNUMMER
from scheduling.models import Delivery
from scheduling.models.enclosure import MOST_BYTES_OF_A_LETTER, MOST_FILES

ADULT = 18
# The first that is valid on the day: where the patient is now, where post is wanted, where the patient lives.
POSTAL_KINDS = ("tillfallig-adress", "sarskild-postadress", "bostadsadress", "utlandsadress")


def delivery_of(*, is_protected, has_portal, prefers_digital, identity_kind, age, needs_interpreter):
    """By mediation for the protected; else on paper, and in 1177 too for grown-ups with a personnummer who are there. Only
    there for those who have chosen it, unless they need an interpreter: paper can be read aloud by somebody else."""
    if is_protected:
        return Delivery.MEDIATION
    is_adult = age is not None and age >= ADULT
    if not (has_portal and is_adult and identity_kind == PERSONNUMMER):
        return Delivery.POST
    return Delivery.PORTAL if prefers_digital and not needs_interpreter else Delivery.BOTH


def enclosures_fault(sizes):
    """Why a letter cannot carry files of the sizes, in bytes, or None (KA-03): the same however it goes, for whoever gets
    it on paper today may have it in 1177 with the next."""
    if len(sizes) > MOST_FILES:
        return f"Högst {MOST_FILES} bilagor går med ett brev, och {len(sizes)} är valda. Välj färre."
    if sum(sizes) > MOST_BYTES_OF_A_LETTER:
        told, most = (f"{size / 1024 / 1024:.1f}".replace(".", ",") for size in (sum(sizes), MOST_BYTES_OF_A_LETTER))
        return (
            f"Bilagorna är tillsammans {told} MB. Ett brev bär högst {most} MB, också i 1177. Välj färre eller mindre."
        )
    return None


def postal_address(addresses, day):
    """The address lines to write to on the day, or none."""
    valid = [
        row
        for row in addresses
        if (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or row.valid_to >= day)
    ]
    for kind in POSTAL_KINDS:
        for row in valid:
            if row.kind.code == kind and (row.street or row.care_of) and (row.town or row.country):
                town = " ".join(part for part in (row.postal_code, row.town) if part)
                care_of = (
                    f"c/o {row.care_of}" if row.care_of and not row.care_of.lower().startswith("c/o") else row.care_of
                )
                return [line for line in (care_of, row.street, town, row.country) if line]
    return []
