"""Konsultbesök: which contact a visit at another unit can belong to, and whether it still does (VH-10, BO-02). Pure: a
contact is any object with the fields of a vårdhändelse.

[reading] The instruction names two. Ongoing care engages another speciality and the patient goes there (VH-10): at any
time while the care goes on. A team visit across units (BO-02) is registered where the patient physically is; the other
unit registers a consult visit: the same day as the visit, before, at once or after."""

from registration.lifecycle import (
    ANNULLED,
    ENGAGES_CONSULTS,
    HIDDEN,
    NO_SHOW_TYPE,
    PRIMARY_CARE,
    SPECIALISED,
    SPECIALISED_WITH_PLACE,
    VISIBLE,
    Status,
)
from sdv.common.errors import RuleError
from sdv.common.time import local_date

PHYSICAL = "physical"
# A visit that a team meets the patient at: booked, or going on.
TEAM_VISITS = (HIDDEN, VISIBLE, PRIMARY_CARE, SPECIALISED, SPECIALISED_WITH_PLACE)


def engages(contact):
    """Whether another unit's consult can be booked for the contact: care or a visit that goes on, or a booked visit. A
    consult engages no further one: it belongs to the care that engaged it."""
    if contact.cancelled_at or contact.during_id:
        return False
    if contact.type_id in ENGAGES_CONSULTS:
        return contact.status == Status.IN_PROGRESS
    is_visit = contact.type_id in TEAM_VISITS and contact.contact_form == PHYSICAL
    return is_visit and contact.status in (Status.PLANNED, Status.IN_PROGRESS)


def refusal(contact, *, care_unit_id, start):
    """VH-10, BO-02: why a consult at the unit cannot be booked for the contact at that time, or None."""
    if contact.care_unit_id == care_unit_id:
        return RuleError(
            "BO-02",
            "Ett konsultbesök registreras av en annan vårdenhet än den som patienten vårdas på."
            " Boka ett teambesök om flera yrkeskategorier på samma enhet träffar patienten.",
            code="same_unit",
        )
    if not engages(contact):
        return nothing_ongoing()
    if contact.type_id not in ENGAGES_CONSULTS and local_date(start) != local_date(contact.start):
        return RuleError(
            "BO-02",
            "Ett teambesök över enhetsgränser är samma dag på båda enheterna, och patientens besök är"
            f" {local_date(contact.start)}. Välj en tid den dagen, eller boka ett eget besök.",
            code="not_one_day",
        )
    return None


def nothing_ongoing():
    """VH-10: there is nothing for the consult to belong to."""
    return RuleError(
        "VH-10",
        "Ett konsultbesök hör till vård som pågår eller ett bokat besök på en annan enhet, och det här är avslutat eller"
        " avbokat. Välj en annan vårdhändelse, eller boka ett eget besök.",
        code="nothing_ongoing",
    )


def visit_refusal(visit_type):
    """VH-10: the patient goes to the consult. Why the besökstyp is no such visit, or None."""
    if visit_type.contact_form == PHYSICAL and not visit_type.is_diagnostic and not visit_type.requires_place:
        return None
    return RuleError(
        "VH-10",
        f"{visit_type.name} kan inte vara ett konsultbesök: patienten kommer till konsulten, utan att få en plats."
        " Välj en besökstyp för fysiskt besök, eller boka ett eget besök.",
        code="no_consult",
    )


def still_belongs(contact, *, day):
    """Whether the contact is one that a consult on the day belongs to: it has not been called off, and goes on that day.
    Where it does not, the consult is at arrival what any booked visit of its unit is (VH-07)."""
    if contact.cancelled_at or contact.type_id in (ANNULLED, NO_SHOW_TYPE):
        return False
    if contact.type_id in ENGAGES_CONSULTS:
        return contact.end is None or local_date(contact.end) >= day
    return local_date(contact.start) == day
