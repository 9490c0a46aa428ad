"""How an encounter (vårdhändelse) is answered, and its history. What can be done with it is composed in sdv.desk.api."""

from django.db.models import F
from rest_framework import serializers

from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from registration.models import Encounter, EncounterHistory
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer
from sdv.common.paging import PageQuery, by_cursor

TAG = "Vårdhändelser"


class EncounterFacts(Answer):
    """A vårdhändelse: type, state and times. Payer and listing are empty for a protected person (SK-02)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Kort nummer att läsa upp.")
    patient = serializers.UUIDField()
    care_unit = serializers.UUIDField()
    encounter_class = Coded()
    encounter_type = Coded()
    status = serializers.ChoiceField(choices=Status.values)
    planned_start = serializers.DateTimeField(allow_null=True)
    planned_end = serializers.DateTimeField(allow_null=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)
    checked_out_at = serializers.DateTimeField(allow_null=True)
    is_check_out_automatic = serializers.BooleanField()
    is_reopened = serializers.BooleanField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    visit_type = Coded(allow_null=True)
    contact_reason = Coded(allow_null=True)
    contact_form = serializers.CharField()
    replaces_visit = serializers.BooleanField(allow_null=True)
    in_programme = serializers.BooleanField()
    interpreter_used = serializers.BooleanField()
    identity_shown = serializers.CharField()
    commitment = serializers.UUIDField(allow_null=True)
    during = serializers.UUIDField(allow_null=True, help_text="Pågående vård som en konsult hör till (VH-10).")
    continues = serializers.UUIDField(allow_null=True, help_text="Vårdhändelsen som fortsatte i den här.")
    admitted_from = serializers.CharField(help_text="Insätt (varifrån): hospital, special_housing, home.")
    discharged_to = serializers.CharField(help_text="Utsätt (till): som insätt, och deceased.")
    is_planned = serializers.BooleanField(allow_null=True, help_text="Planerad inskrivning; null där det inte gäller.")
    expected_discharge_on = serializers.DateField(allow_null=True)
    assessed_at = serializers.DateTimeField(allow_null=True, help_text="Läkarbedömning på akutmottagning.")
    broken_off = serializers.CharField(help_text="Avbrutet akutbesök: before_assessment eller after_assessment.")
    payer = serializers.CharField()
    listing_unit = serializers.CharField()
    is_coded = serializers.BooleanField()


def with_words(rows, path=""):
    """Rows with the words of their encounter's besökstyp and vårdkontaktsorsak: four columns instead of two objects."""
    return rows.annotate(
        visit_type_code=F(f"{path}visit_type__code"),
        visit_type_name=F(f"{path}visit_type__name"),
        reason_code=F(f"{path}contact_reason__code"),
        reason_name=F(f"{path}contact_reason__name"),
    )


def _words(code, name):
    return {"code": code, "text": name} if code else None


def encounter_facts(encounter, words):
    """The encounter's facts. Load its patient with it; `words` is the row that `with_words` loaded; the type is the
    rules' own table."""
    kind = TYPES[encounter.type_id]
    is_protected = encounter.patient.is_protected
    return {
        "id": str(encounter.pk),
        "version": encounter.version,
        "number": encounter.number,
        "patient": str(encounter.patient_id),
        "care_unit": str(encounter.care_unit_id),
        "encounter_class": {"code": kind.class_code, "text": kind.class_name},
        "encounter_type": {"code": kind.code, "text": kind.name},
        "status": encounter.status,
        "planned_start": moment(encounter.planned_start),
        "planned_end": moment(encounter.planned_end),
        "start": moment(encounter.start),
        "end": moment(encounter.end),
        "checked_out_at": moment(encounter.checked_out_at),
        "is_check_out_automatic": encounter.is_check_out_automatic,
        "is_reopened": encounter.is_reopened,
        "cancelled_at": moment(encounter.cancelled_at),
        "visit_type": _words(words.visit_type_code, words.visit_type_name),
        "contact_reason": _words(words.reason_code, words.reason_name),
        "contact_form": encounter.contact_form,
        "replaces_visit": encounter.replaces_visit,
        "in_programme": encounter.in_programme,
        "interpreter_used": encounter.interpreter_used,
        "identity_shown": encounter.identity_shown,
        "commitment": str(encounter.commitment_id) if encounter.commitment_id else None,
        "during": str(encounter.during_id) if encounter.during_id else None,
        "continues": str(encounter.continues_id) if encounter.continues_id else None,
        "admitted_from": encounter.admitted_from,
        "discharged_to": encounter.discharged_to,
        "is_planned": encounter.is_planned,
        "expected_discharge_on": encounter.expected_discharge_on,
        "assessed_at": moment(encounter.assessed_at),
        "broken_off": encounter.broken_off,
        "payer": "" if is_protected else encounter.payer,
        "listing_unit": "" if is_protected else encounter.listing_unit,
        "is_coded": encounter.is_coded,
    }


class HistoryAnswer(Answer):
    """A move of the encounter: what, from which state to which, by whom."""

    id = serializers.UUIDField()
    move = serializers.ChoiceField(choices=Move.values)
    text = serializers.CharField()
    source = serializers.CharField()
    target = serializers.ChoiceField(choices=Status.values)
    type_before = Coded(allow_null=True)
    type_after = Coded()
    by = serializers.CharField(allow_null=True, help_text="null: klockan.")
    at = serializers.DateTimeField()
    registered_at = serializers.DateTimeField()
    reason = serializers.CharField()


def _coded_type(code):
    return {"code": code, "text": TYPES[code].name} if code else None


def _move(row):
    return {
        "id": str(row.pk),
        "move": row.move,
        "text": row.get_move_display(),
        "source": row.source,
        "target": row.target,
        "type_before": _coded_type(row.type_before),
        "type_after": _coded_type(row.type_after),
        "by": row.by.name if row.by else None,
        "at": moment(row.at),
        "registered_at": moment(row.registered_at),
        "reason": row.reason,
    }


class History(Endpoint):
    """GET encounters/{id}/history/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation(
        "encounters_history",
        "Vårdhändelsens förlopp",
        tag=TAG,
        query=PageQuery,
        answer=page_of("HistoryPage", HistoryAnswer),
    )
    def get(self, request, pk):
        asked = self.query(PageQuery)
        encounter = Encounter.objects.only("patient_id", "care_unit_id").get(pk=pk)
        self.require(encounter.care_unit_id)
        rows = EncounterHistory.objects.filter(encounter_id=pk).select_related("by")
        page = by_cursor(request, rows, asked=asked, field="id")
        self.log([encounter.patient_id], "vårdhändelsens förlopp", care_unit_id=encounter.care_unit_id, resource_id=pk)
        return self.answer(page.answer(_move))
