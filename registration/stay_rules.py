"""What an inpatient stay and an emergency visit ask for: ways in and out, leave, places, births (VH-09, VH-13, VH-23).
Pure: no database, no request, no clock."""

from django.db.models import TextChoices

from registration.lifecycle import EMERGENCY, INPATIENT
from sdv.common.errors import InputError, RuleError


class AdmittedFrom(TextChoices):
    """Insätt (varifrån): the patient register's three (par-delivery, INSATT)."""

    HOSPITAL = "hospital", "Annat sjukhus eller annan klinik"
    SPECIAL_HOUSING = "special_housing", "Särskilt boende"
    HOME = "home", "Ordinärt boende"


class DischargedTo(TextChoices):
    """Utsätt (till). [reading] The register's own list was not found: the three of insätt, and avliden."""

    HOSPITAL = "hospital", "Annat sjukhus eller annan klinik"
    SPECIAL_HOUSING = "special_housing", "Särskilt boende"
    HOME = "home", "Ordinärt boende"
    DECEASED = "deceased", "Avliden"


class BrokenOff(TextChoices):
    """How an emergency visit was broken off by the patient."""

    BEFORE_ASSESSMENT = "before_assessment", "Lämnade före läkarbedömning"
    AFTER_ASSESSMENT = "after_assessment", "Lämnade efter läkarbedömning"


# The patient register's values, in the order of its lists (INSATT is read in a source; the rest is [reading]).
REGISTER_ADMITTED = {AdmittedFrom.HOSPITAL: "1", AdmittedFrom.SPECIAL_HOUSING: "2", AdmittedFrom.HOME: "3"}
REGISTER_DISCHARGED = {
    DischargedTo.HOSPITAL: "1",
    DischargedTo.SPECIAL_HOUSING: "2",
    DischargedTo.HOME: "3",
    DischargedTo.DECEASED: "4",
}


def discharge_refusal(type_code, *, admitted_from, discharged_to, died_on, on):
    """VH-23: a stay is discharged when insätt and utsätt are known, and who died before the day goes nowhere else. Who
    dies at the hospital is discharged as avliden before the register tells of it (AV-01). Or None."""
    if type_code == INPATIENT:
        ways = (("insätt (varifrån)", admitted_from), ("utsätt (till)", discharged_to))
        if missing := [name for name, value in ways if not value]:
            return RuleError(
                "VH-23",
                f"Ange {' och '.join(missing)}: slutenvården registrerar varifrån patienten kom och vart den går.",
                code="ways_missing",
            )
    if discharged_to not in ("", DischargedTo.DECEASED) and died_on is not None and died_on < on:
        return RuleError(
            "VH-23",
            f"Patienten är registrerad som avliden {died_on.isoformat()}. Välj utsätt Avliden, eller ange rätt tid.",
            code="is_deceased",
        )
    return None


def broken_off_refusal(type_code, broken_off, *, assessed_at):
    """VH-23: only an emergency visit is broken off, before or after a doctor's assessment as it was. Or None."""
    if not broken_off:
        return None
    if type_code != EMERGENCY:
        return RuleError("VH-23", "Bara ett akutbesök kan avslutas som avbrutet. Skriv ut i stället.")
    if broken_off == BrokenOff.BEFORE_ASSESSMENT and assessed_at:
        return RuleError("VH-23", "Läkarbedömningen är gjord. Välj Lämnade efter läkarbedömning.")
    if broken_off == BrokenOff.AFTER_ASSESSMENT and not assessed_at:
        return RuleError("VH-23", "Läkarbedömningen är inte registrerad. Registrera den, eller välj Lämnade före.")
    return None


def ward_refusal(ward, care_unit_id):
    """A ward of the unit, where the unit has any. Or None."""
    if ward is not None and ward.care_unit_id != care_unit_id:
        return InputError(ward="Välj en avdelning på enheten. Till en annan vårdenhet: välj Flytta till annan enhet.")
    return None


def leave_refusal(*, is_on_leave, expected_back, at):
    """Permission begins where none goes on, and ends later than it begins. Or None."""
    if is_on_leave:
        return RuleError("VH-09", "Patienten har redan permission. Registrera återkomsten först.", code="on_leave")
    if expected_back is not None and expected_back <= at:
        return RuleError("VH-09", "Väntad återkomst ska ligga efter permissionens början. Ange en senare tid.")
    return None
