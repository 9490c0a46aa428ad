"""Which contacts go to the patient register, and why not (PAR-01). Pure: no database, no request, no clock.

Förordning (2001:707) 4 §: inpatient care; patients treated by a läkare in open care that is not primary care; patients
treated by other staff in psychiatric open care. [reading] How the twenty types of the instruction fall under it is the
project's proposal: the instruction's own chapter on the register is empty. What is uncertain says so in its sentence."""

from dataclasses import dataclass
from datetime import date, timedelta

from classification.derived import DOCTOR
from registration.contact_types import ContactType
from registration.lifecycle import (
    CONTACT_WITHOUT_VISIT,
    EMERGENCY,
    INPATIENT,
    NEWBORN,
    NOT_REPORTED,
    OBSERVATION,
    PRIMARY_CARE,
    Status,
)
from sdv.common.errors import RuleError

INPATIENT_SUBSET, OUTPATIENT_SUBSET = "SV", "OV"
MONTHS = 3


@dataclass(frozen=True)
class Period:
    """The whole months that a delivery covers."""

    first: date
    last: date

    def __str__(self):
        return f"{self.first:%Y-%m}–{self.last:%Y-%m}"


def period_due(day):
    """The three whole months before the month of the day: what is delivered at the latest on that month's last day."""
    last = day.replace(day=1) - timedelta(days=1)
    return period_ending(last)


def period_ending(last):
    """Three whole months, the last of which the day lies in."""
    following = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    month = last.year * 12 + last.month - MONTHS
    return Period(date(month // 12, month % 12 + 1, 1), following - timedelta(days=1))


@dataclass(frozen=True)
class Contact:
    """What the selection asks of a contact. Days are Stockholm's; `professions` are names of yrkeskategorier, and
    `is_assessed` says that an emergency visit has its läkarbedömning."""

    encounter_type: str
    type_name: str
    status: str
    started: date
    ended: date | None
    is_primary_care: bool = False
    is_psychiatry: bool = False
    professions: tuple = ()
    is_assessed: bool = False
    contact_type: str | None = None
    replaces_visit: bool | None = None


def subset(contact):
    """The sub-set that a contact of its kind would belong to."""
    return INPATIENT_SUBSET if contact.encounter_type == INPATIENT else OUTPATIENT_SUBSET


def refusal(contact, period):
    """Why the contact is not delivered, or None. The first reason that holds is told."""
    return _refused_by_kind(contact) or _refused_by_time(contact, period) or _refused_by_profession(contact)


def _refused(code, sentence):
    return RuleError("PAR-01", sentence, code=code)


def _refused_by_kind(contact):
    kind = contact.encounter_type
    if kind in NOT_REPORTED:
        return _refused("not_a_contact", f"{contact.type_name} är ingen kontakt som rapporteras.")
    if kind == PRIMARY_CARE or contact.is_primary_care:
        return _refused("primary_care", "Primärvård lämnas inte till patientregistret.")
    if kind == NEWBORN:
        return _refused(
            "healthy_newborn",
            "Ett friskt nyfött barn är inte patient; ett sjukt har en egen Slutenvård. Ej verifierat.",
        )
    if kind == OBSERVATION:
        return _refused(
            "observation", "Det är inte känt om Observation lämnas som sluten eller öppen vård. Ej verifierat."
        )
    if contact.contact_type == ContactType.AMONG_STAFF:
        return _refused("among_staff", "Kontakt mellan personal är ingen vårdkontakt (DI-07).")
    if kind == CONTACT_WITHOUT_VISIT and not contact.replaces_visit:
        return _refused(
            "replaces_no_visit", "Kontakt utan besök lämnas bara när den ersätter ett besök. Ej verifierat."
        )
    return None


def _refused_by_time(contact, period):
    if contact.encounter_type == INPATIENT:
        if contact.started > period.last or (contact.ended and contact.ended < period.first):
            return _refused("outside_period", f"Patienten var inte inskriven under {period}.")
        return None
    if not period.first <= contact.started <= period.last:
        return _refused("outside_period", f"Besöket ägde inte rum under {period}.")
    if contact.status != Status.ENDED:
        return _refused("not_ended", "Kontakten är inte avslutad. Den kommer med när den har avslutats.")
    return None


def _refused_by_profession(contact):
    if contact.encounter_type == INPATIENT or contact.is_psychiatry:
        return None
    if contact.is_assessed or DOCTOR in contact.professions:
        return None
    if contact.encounter_type == EMERGENCY:
        return _refused(
            "not_assessed",
            "Ingen läkarbedömning är registrerad: den som går före den lämnas inte. Registrera den om den gjordes.",
        )
    if not contact.professions:
        return _refused(
            "profession_unknown",
            "Det är inte registrerat vem som träffade patienten; öppenvård lämnas när en läkare deltog.",
        )
    return _refused("not_a_doctor", "Ingen läkare deltog, och enhetens MVO räknas inte som psykiatrisk öppenvård.")
