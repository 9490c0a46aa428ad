"""A vårdhändelse that begins without a booking (VH-03): drop-in, emergency, admission, observation, consult, contact
without a visit … The type follows from unit and situation (typval.csv); a named type says which situation is meant."""

from registration import lifecycle, type_choice
from registration.actions import admissions
from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import known_patient
from registration.encounter_types import TYPES
from registration.models import ContactForm, ContactReason, Encounter, Patient
from registration.stay_rules import AdmittedFrom
from scheduling import rules
from scheduling.actions import first_contacts
from sdv.accounts.api.schema import operation
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Choice, Day, Fields, Flag, Id, Listed, Moment, Text
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit, CareUnitKind

from .encounters import TAG, EncounterAnswer, EncounterList


class NewEncounterBody(Fields):
    """A contact that begins without a booking (VH-03). The type follows from unit and situation; where it is named, it
    says which situation is meant."""

    patient = Id()
    care_unit = RowId(CareUnit)
    encounter_type = Choice(choices=list(TYPES), required=False)
    visit_type = VisitTypeCode(required=False, allow_null=True)
    contact_reason = ContactReasonCode(required=False, allow_null=True)
    commitment = Id(required=False, allow_null=True)
    contact_form = Choice(choices=ContactForm.values, required=False)
    replaces_visit = Flag(required=False, allow_null=True, help_text="Krävs för en kontakt utan besök (DI-01).")
    in_programme = Flag(required=False, help_text="Del av ett stöd- och behandlingsprogram i 1177 (DI-05).")
    main_responsible = RowId(
        Practitioner, required=False, allow_null=True, help_text="Vem kontakten registreras på (BO-02)."
    )
    identity_shown = Text(max_length=40, allow_blank=True, required=False)
    interpreter_used = Flag(required=False)
    requires_place = Flag(required=False, help_text="Patienten får rum, säng eller stol.")
    at = Moment(required=False, help_text="När kontakten började; nu, om inget anges.")
    during = Id(required=False, allow_null=True, help_text="Pågående vårdhändelse som en konsult hör till (VH-10).")
    planned = Flag(required=False, help_text="Planerad inskrivning: blir Förhandsregistrerad inskrivning (VH-03).")
    planned_start = Moment(required=False, help_text="Beräknad inskrivning; krävs där den är planerad.")
    expected_discharge_on = Day(required=False, allow_null=True, help_text="Beräknad utskrivning.")
    admitted_from = Choice(choices=AdmittedFrom.values, required=False, help_text="Insätt (varifrån).")
    ward = Id(required=False, allow_null=True, help_text="Avdelning på enheten; med en enda behövs den inte.")
    place = Id(required=False, allow_null=True, help_text="Rum, säng eller stol från början (VH-09).")
    continues = RowId(
        Encounter,
        required=False,
        allow_null=True,
        help_text="Pågående vård som fortsätter här och avslutas i samma minut (VH-03); patientens egen.",
    )
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    reason = Text(
        max_length=200,
        allow_blank=True,
        required=False,
        help_text="Varför kontakten registreras bredvid vård som pågår på en annan enhet (PL-06).",
    )


# What a named type says about the situation. The others are not begun by hand; see NOT_BY_HAND.
SITUATIONS = {
    lifecycle.PRIMARY_CARE: type_choice.DROP_IN,
    lifecycle.SPECIALISED: type_choice.DROP_IN,
    lifecycle.SPECIALISED_WITH_PLACE: type_choice.DROP_IN,
    lifecycle.EMERGENCY: type_choice.EMERGENCY_ARRIVAL,
    lifecycle.OBSERVATION: type_choice.OBSERVATION_PLACE,
    lifecycle.INPATIENT: type_choice.DIRECT_ADMISSION,
    lifecycle.CONTACT_WITHOUT_VISIT: type_choice.CONTACT_WITHOUT_VISIT,
    lifecycle.ONGOING_TREATMENT: type_choice.ONGOING_TREATMENT,
    lifecycle.CONSULT: type_choice.CONSULT,
    lifecycle.ADMIN: type_choice.ADMINISTRATIVE,
    lifecycle.ADMISSION_BOOKED: type_choice.PLANNED_ADMISSION,
}
NOT_BY_HAND = {
    lifecycle.HISTORICAL: ("VH-14", "Historisk skapas bara av den maskinella migreringen."),
    lifecycle.ANNULLED: ("VH-12", "Annullerad blir en vårdhändelse som annulleras. Använd annul på den."),
    lifecycle.NO_SHOW_TYPE: ("VH-11", "Utebliven blir en bokning. Använd no-show på bokningen."),
    lifecycle.DIAGNOSTICS: (
        "VH-03",
        "Diagnostik skapas när en ordination aktiveras eller en bokning ankomstregistreras.",
    ),
} | dict.fromkeys(
    set(lifecycle.PRE_REGISTRATIONS) - {lifecycle.ADMISSION_BOOKED},
    ("VH-03", "En förhandsregistrering skapas av en bokning. Boka en tid i stället."),
)
NOT_BY_HAND |= dict.fromkeys(
    (lifecycle.FOETUS, lifecycle.NEWBORN),
    ("VH-13", "Foster och nyfödd registreras från moderns vårdhändelse. Använd children på den."),
)


class Encounters(EncounterList):
    """GET and POST encounters/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_create",
        "Registrera en kontakt utan bokning",
        tag=TAG,
        body=NewEncounterBody,
        answer=EncounterAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewEncounterBody)
        unit = asked["care_unit"]
        before = asked.get("continues")
        if before is None:
            self.require_for_body(unit.pk)
        else:
            self.require_for_body(before.care_unit_id)
        at = self.time_of(asked)
        try:
            encounter = self._created(unit, asked, at)
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(encounter.pk, "vårdhändelse registrerad", status=201)

    def _created(self, unit, asked, at):
        if _is_planned(asked):
            return self._admission(unit, asked)
        by, landing = self.actor.user, {"ward_id": asked.get("ward"), "place_id": asked.get("place")}
        if asked.get("continues"):
            return admissions.continue_at(
                encounter_id=asked["continues"].pk,
                care_unit=unit,
                situation=_situation(unit, asked, at),
                patient_id=asked["patient"],
                admitted_from=asked.get("admitted_from", ""),
                expected_discharge_on=asked.get("expected_discharge_on"),
                accept_warnings=asked.get("accept_warnings", ()),
                reason=asked.get("reason", ""),
                by=by,
                at=at,
                **landing,
            )
        return first_contacts.begin(**self._contact(unit, asked, at), **landing)

    def _contact(self, unit, asked, at):
        return {
            "patient_id": asked["patient"],
            "care_unit": unit,
            "situation": _situation(unit, asked, at),
            "during_id": asked.get("during"),
            "visit_type": asked.get("visit_type"),
            "contact_reason": asked.get("contact_reason"),
            "commitment_id": asked.get("commitment"),
            "responsible": asked.get("main_responsible"),
            "requires_place": _needs_place(asked),
            "contact_form": asked.get("contact_form", ""),
            "replaces_visit": asked.get("replaces_visit"),
            "in_programme": asked.get("in_programme", False),
            "accept_warnings": asked.get("accept_warnings", ()),
            "reason": asked.get("reason", ""),
            "identity_shown": asked.get("identity_shown", ""),
            "interpreter_used": asked.get("interpreter_used", False),
            "admitted_from": asked.get("admitted_from", ""),
            "expected_discharge_on": asked.get("expected_discharge_on"),
            "by": self.actor.user,
            "at": at,
        }

    def _admission(self, unit, asked):
        if "planned_start" not in asked:
            raise InputError(planned_start="Ange beräknad inskrivning.")
        return admissions.plan_admission(
            patient_id=asked["patient"],
            care_unit=unit,
            expected_start=asked["planned_start"],
            admitted_from=asked.get("admitted_from", ""),
            expected_discharge_on=asked.get("expected_discharge_on"),
            by=self.actor.user,
            at=self.at,
        )


def _is_planned(asked):
    """Whether a planned admission is meant: it begins as a pre-registration (VH-03 f)."""
    return asked.get("planned", False) or asked.get("encounter_type") == lifecycle.ADMISSION_BOOKED


def _needs_place(asked):
    return asked.get("requires_place", False) or asked.get("encounter_type") == lifecycle.SPECIALISED_WITH_PLACE


def _situation(unit, asked, at):
    """Which row of typval.csv the body means. A named type that the unit does not register so is refused (VH-03)."""
    named = asked.get("encounter_type")
    if named in NOT_BY_HAND:
        raise RuleError(*NOT_BY_HAND[named], code="not_by_hand")
    situation = SITUATIONS[named] if named else _usual_situation(unit, asked)
    visit_type = asked.get("visit_type")
    if named:
        needs_place = _needs_place(asked) or bool(visit_type and visit_type.requires_place)
        chosen = type_choice.choose(unit_kind=unit.kind, situation=situation, requires_place=needs_place)
        if chosen != named:
            raise RuleError(
                "VH-03",
                f"På {unit.short_name} blir kontakten {TYPES[chosen].name}, inte {TYPES[named].name}: systemet väljer typen."
                " Utelämna encounter_type, eller välj den enhet där kontakten ägde rum.",
                code="type_follows",
            )
    if situation == type_choice.DROP_IN:
        _require_reason(visit_type, asked.get("contact_reason"), at)
    return situation


def _usual_situation(unit, asked):
    if unit.kind == CareUnitKind.EMERGENCY:
        return type_choice.EMERGENCY_ARRIVAL
    if unit.kind == CareUnitKind.INPATIENT:
        return type_choice.DIRECT_ADMISSION
    is_distant = asked.get("contact_form", ContactForm.PHYSICAL) != ContactForm.PHYSICAL
    return type_choice.CONTACT_WITHOUT_VISIT if is_distant and not asked.get("visit_type") else type_choice.DROP_IN


def _require_reason(visit_type, reason, at):
    """VO-01, VO-02 for a visit without booking: a besökstyp, and one reason that is linked to it."""
    if visit_type is None:
        raise InputError(visit_type="Ange besökstyp: ett besök har alltid en.")
    if reason is None:
        raise RuleError("VO-01", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.", code="reason_missing")
    is_offered = ContactReason.objects.offered_for(visit_type, local_date(at)).filter(pk=reason.pk).exists()
    if refused := rules.reason_refusal(is_offered=is_offered, reason_name=reason.name, visit_type_name=visit_type.name):
        raise refused
