"""Frånvaro and what it leaves to be booked anew, by REST (PL-02)."""

from rest_framework import serializers

from registration.api.coded import RowId
from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling import away
from scheduling.actions import absences, rebook, rebooking, work_items
from scheduling.models import Absence, AbsenceKind, RebookingItem, Session
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Fields, Flag, Id, Listed, Moment, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .letter_choices import LetterChoicesBody, letter_wish
from .sessions import SessionAnswer, session_answer
from .slots import ResourceAnswer, SlotAnswer, resource_answer, slot_answer
from .work_items import PostponeBody, postpones

TAG = "Tidbok"


class AbsenceQuery(PageQuery):
    """Filters of frånvaro."""

    care_unit = Id(required=False)
    resource = Id(required=False)


class AbsenceBody(Fields):
    """A new absence. Without a resource it is the closure of the whole unit."""

    care_unit = RowId(CareUnit)
    resource = Id(required=False, allow_null=True)
    kind = Choice(choices=AbsenceKind.values)
    start = Moment()
    end = Moment()


class AbsenceChange(Fields):
    """What an absence is changed to; what is left out stays."""

    kind = Choice(choices=AbsenceKind.values, required=False)
    start = Moment(required=False)
    end = Moment(required=False)


class UnitCount(Answer):
    """How many bookings of a unit."""

    care_unit = serializers.UUIDField()
    name = serializers.CharField()
    to_rebook = serializers.IntegerField()


class HitAnswer(Answer):
    """How many bookings an absence hits, and where: other units' patients are not told of."""

    to_rebook = serializers.IntegerField(help_text="Bokningar som fortfarande ska bokas om.")
    to_rebook_at = UnitCount(
        many=True, help_text="Samma per vårdenhet; på en annan enhet än den som registrerade: egna."
    )


class AbsenceAnswer(HitAnswer):
    """Frånvaro of a resource, or a unit that is closed. A person is away at every unit: another than the one that
    registered it is told that the person is away, and who registered it, but not why."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    care_unit = serializers.UUIDField(help_text="Enheten som registrerade den. Bara där ändras och återkallas den.")
    care_unit_name = serializers.CharField()
    resource = ResourceAnswer(allow_null=True, help_text="På en annan enhet personens resurs där.")
    kind = serializers.ChoiceField(
        choices=AbsenceKind.values, help_text="På en annan enhet än den som registrerade: absence."
    )
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


def hit_answer(counts):
    return {
        "to_rebook": sum(number for _, number in counts),
        "to_rebook_at": [
            {"care_unit": str(unit.pk), "name": unit.name, "to_rebook": number} for unit, number in counts
        ],
    }


def absence_answer(seen):
    row = seen.absence
    return hit_answer(seen.to_rebook) | {
        "id": str(row.pk),
        "version": row.version,
        "care_unit": str(row.care_unit_id),
        "care_unit_name": row.care_unit.name,
        "resource": resource_answer(seen.resource),
        "kind": seen.kind,
        "start": moment(row.period.lower),
        "end": moment(row.period.upper),
        "withdrawn_at": moment(row.withdrawn_at),
        "changed_at": moment(row.changed_at),
        "created_at": moment(row.created_at),
    }


class _Absence(Endpoint):
    def known(self, units):
        """What the units' tidböcker show."""
        rows = Absence.objects.known_at(units, local_date(self.at))
        return rows.select_related("resource", "care_unit")

    def shown(self, pk, *, status=200):
        """As the caller sees it at all units where it sees tidböcker."""
        units = self.actor.units_where(Permission.VIEW_SCHEDULES)
        row = self.known(units).get(pk=pk)
        (seen,) = away.seen([row], units)
        return self.answer(absence_answer(seen), status=status, version=row.version)

    def require_at(self, pk):
        """The permission where it was registered."""
        self.require(Absence.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Absences(_Absence):
    """GET and POST absences/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES, "POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "absences_list",
        "Frånvaro vid enheten",
        tag=TAG,
        query=AbsenceQuery,
        answer=page_of("AbsencePage", AbsenceAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(AbsenceQuery)
        units = self.at_units(asked.get("care_unit"))
        rows = self.known(units).standing()
        if "resource" in asked:
            rows = rows.of_resource(asked["resource"])
        page = by_cursor(request, rows, asked=asked, field="created_at")
        found = {each.absence.pk: each for each in away.seen(page.rows, units)}
        return self.answer(page.answer(lambda row: absence_answer(found[row.pk])))

    @operation(
        "absences_create",
        "Registrera frånvaro: sparas alltid, bokningar som träffas hamnar i Ombokningar",
        tag=TAG,
        body=AbsenceBody,
        answer=AbsenceAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(AbsenceBody)
        self.require_for_body(asked["care_unit"].pk)
        made = absences.register(
            care_unit=asked["care_unit"],
            resource_id=asked.get("resource"),
            kind=asked["kind"],
            start=asked["start"],
            end=asked["end"],
            by=self.actor.user,
            at=self.at,
        )
        return self.shown(made.pk, status=201)


class PreviewAbsence(_Absence):
    """POST absences/preview/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}
    keeps_answers = False

    @operation(
        "absences_preview",
        "Vilka en frånvaro skulle träffa, som antal per enhet; inget sparas",
        tag=TAG,
        body=AbsenceBody,
        answer=HitAnswer,
        is_post=True,
        has_id=False,
        keeps_answers=False,
        conflicts=True,
    )
    def post(self, request):
        asked = self.body(AbsenceBody)
        self.require_for_body(asked["care_unit"].pk)
        hit = absences.would_hit(
            care_unit=asked["care_unit"],
            resource_id=asked.get("resource"),
            kind=asked["kind"],
            start=asked["start"],
            end=asked["end"],
            at=self.at,
        )
        return self.answer(hit_answer(away.per_unit(hit)))


class OneAbsence(_Absence):
    """GET and PATCH absences/{id}/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES, "PATCH": Permission.MAINTAIN_SCHEDULES}

    @operation("absences_read", "Läs en frånvaro", tag=TAG, answer=AbsenceAnswer)
    def get(self, request, pk):
        return self.shown(pk)

    @operation(
        "absences_change",
        "Förkorta, förläng eller flytta en frånvaro: det den nu träffar hamnar i Ombokningar, det den inte längre träffar"
        " lämnar dem",
        tag=TAG,
        body=AbsenceChange,
        answer=AbsenceAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        self.require_at(pk)
        asked = self.body(AbsenceChange)
        if not asked:
            raise InputError(end="Ange vad som ska ändras.")
        absences.change(absence_id=pk, version=self.version, **asked, by=self.actor.user, at=self.at)
        return self.shown(pk)


class WithdrawAbsence(_Absence):
    """POST absences/{id}/withdraw/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "absences_withdraw",
        "Återkalla en frånvaro",
        tag=TAG,
        body=Fields,
        answer=AbsenceAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        absences.withdraw(absence_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk)


# --- Ombokningar --------------------------------------------------------------------------------------------------------


class RebookingQuery(PageQuery):
    """Filters of ombokningar."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    absence = Id(required=False)
    status = Choice(choices=["open", "done"], required=False)


class RebookBody(Fields):
    """A seat on another grupptillfälle, or the new time, and with whom where it is not the same."""

    session = Id(required=False, help_text="Grupptillfället, i stället för start och slut.")
    start = Moment(required=False)
    end = Moment(required=False, help_text="Utan fältet: lika lång som bokningen är.")
    resources = Listed(child=Id(), required=False, help_text="Alla som tar del, med rum, där det inte är samma.")
    accept_warnings = Listed(child=Text(max_length=10), required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)
    letter = Flag(required=False, help_text="Utan fältet: brev där det skrevs ett om tiden (PL-09).")
    letter_choices = LetterChoicesBody(required=False, help_text="Utan fältet: som bokningens senaste brev.")


class RebookingAnswer(Answer):
    """Ombokningspost: a booking that an absence hits, or that the tidbok no longer has the time of."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    appointment = serializers.UUIDField()
    start = serializers.DateTimeField()
    absence = serializers.UUIDField(allow_null=True)
    resource = serializers.UUIDField(allow_null=True, help_text="Resursen vars tidbok inte längre har tiden (PL-02).")
    session = serializers.UUIDField(allow_null=True, help_text="Grupptillfället, där det är inställt (BO-02).")
    contact = serializers.UUIDField(
        allow_null=True,
        help_text="Vårdhändelsen som en konsult var bokad till, där den är avbokad, flyttad eller slut.",
    )
    commitment = serializers.UUIDField(allow_null=True)
    status = serializers.CharField()
    watch_until = serializers.DateField()
    responsible = serializers.CharField(allow_null=True)
    decision = serializers.CharField(help_text="rebooked, cancelled, arrived, no_show eller withdrawn när den är klar.")
    decided_at = serializers.DateTimeField(allow_null=True)


class RebookingWithProposals(RebookingAnswer):
    """With proposed seats, for whoever had one, and new times: the first with the same vårdgivare."""

    seats = SessionAnswer(many=True, help_text="Kommande grupptillfällen med ledig plats, först samma grupp.")
    proposals = SlotAnswer(many=True)


def rebooking_rows(rows):
    return with_identity(rows.select_related("patient", "responsible", "appointment"))


def rebooking_answer(row, *, on):
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "appointment": str(row.appointment_id),
        "start": moment(row.appointment.start),
        "absence": str(row.absence_id) if row.absence_id else None,
        "resource": str(row.resource_id) if row.resource_id else None,
        "session": str(row.session_id) if row.session_id else None,
        "contact": str(row.contact_id) if row.contact_id else None,
        "commitment": str(row.commitment_id) if row.commitment_id else None,
        "status": row.status,
        "watch_until": day(row.watch_until),
        "responsible": row.responsible.name if row.responsible else None,
        "decision": row.decision,
        "decided_at": moment(row.decided_at),
    }


class RebookingItems(Endpoint):
    """GET rebooking-items/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}

    @operation(
        "rebooking_items_list",
        "Ombokningar vid enheten",
        tag=TAG,
        query=RebookingQuery,
        answer=page_of("RebookingPage", RebookingAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(RebookingQuery)
        rows = rebooking_rows(RebookingItem.objects.filter(care_unit__in=self.at_units(asked.get("care_unit"))))
        for name in ("patient", "absence", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="watch_until")
        self.log([row.patient_id for row in page.rows], "ombokningar", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: rebooking_answer(row, on=today)))


class _Rebooking(Endpoint):
    def shown(self, pk, what):
        related = ("patient", "responsible", "care_unit", "absence__resource")
        related += ("appointment__encounter__visit_type", "appointment__session")
        row = with_identity(RebookingItem.objects.select_related(*related)).get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        is_open = row.status == "open"
        body = rebooking_answer(row, on=local_date(self.at)) | {
            "seats": [session_answer(each) for each in rebooking.seats(row, at=self.at)] if is_open else [],
            "proposals": [slot_answer(slot) for slot in rebooking.proposals(row, at=self.at)] if is_open else [],
        }
        return self.answer(body, version=row.version)


class OneRebookingItem(_Rebooking):
    """GET rebooking-items/{id}/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}

    @operation(
        "rebooking_items_read", "Läs en ombokning med förslag på nya tider", tag=TAG, answer=RebookingWithProposals
    )
    def get(self, request, pk):
        self.require(RebookingItem.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        return self.shown(pk, "ombokning")


class PostponeRebooking(_Rebooking):
    """POST rebooking-items/{id}/postpone/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @postpones("rebooking_items_postpone", RebookingWithProposals)
    def post(self, request, pk):
        self.require(RebookingItem.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        day_asked = self.body(PostponeBody)["watch_until"]
        how = {"by": self.actor.user, "at": self.at, "version": self.version}
        work_items.postpone(model=RebookingItem, item_id=pk, watch_until=day_asked, **how)
        return self.shown(pk, "uppskjuten")


class RebookItem(_Rebooking):
    """POST rebooking-items/{id}/rebook/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "rebooking_items_rebook",
        "Boka om till en plats på ett annat tillfälle eller en ny tid, som vårdgivarens ombokning",
        tag=TAG,
        body=RebookBody,
        answer=RebookingWithProposals,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        unit = RebookingItem.objects.values_list("care_unit_id", flat=True).get(pk=pk)
        self.require(unit)
        asked = self.body(RebookBody)
        given = {name for name in ("session", "start", "end", "resources") if name in asked}
        told = {
            "item_id": pk,
            "version": self.version,
            "accept_warnings": asked.get("accept_warnings", ()),
            "reason": asked.get("reason", ""),
            **letter_wish(asked, otherwise=None),
            "by": self.actor.user,
            "at": self.at,
        }
        if given == {"session"}:
            if not Session.objects.filter(pk=asked["session"], care_unit=unit).exists():
                raise InputError(session="Tillfället finns inte på vårdenheten.")
            rebook.to_session(session_id=asked["session"], **told)
        elif "start" in given and "session" not in given:
            times = {"start": asked["start"], "end": asked.get("end"), "resource_ids": asked.get("resources")}
            rebook.to_time(**times, **told)
        else:
            raise InputError(start="Ange antingen session, eller start.")
        return self.shown(pk, "ombokad")
