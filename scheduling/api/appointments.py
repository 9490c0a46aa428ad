"""Bokningar: list, read, book, reschedule, no-show (BO-01, BO-03, VH-11). Arrival, cancellation and undo answer with or
touch more than scheduling and stand in sdv.desk.api."""

from collections import defaultdict

from rest_framework import serializers

from registration.api.coded import AddOnCode, ContactReasonCode, RowId, VisitTypeCode
from registration.api.encounters import EncounterFacts, encounter_facts, with_words
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.models import Patient, Referral
from scheduling import dates
from scheduling.actions import appointments, sharing
from scheduling.models import Appointment, AppointmentKind, AppointmentStatus, BookingRequest, CancelledBy
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Text
from sdv.common.errors import InputError, RuleError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import day_range, local_date
from sdv.organisation.models import CareUnit

from .dates import DatesAnswer, dates_answer
from .letter_choices import LetterChoicesBody, letter_wish
from .slots import PartBody, ResourceAnswer, times_of_parts

TAG = "Bokningar"


class AppointmentQuery(PageQuery):
    """Filters of bookings."""

    care_unit = Id(required=False)
    date = Day(required=False)
    patient = Id(required=False)
    resource = Id(required=False)
    status = Choice(choices=AppointmentStatus.values, required=False)
    session = Id(required=False)
    plan = Id(required=False)


class BookingBody(Fields):
    """A visit to book (BO-01). A vårdkontaktsorsak is always chosen (VO-01)."""

    patient = Id()
    care_unit = RowId(CareUnit)
    visit_type = VisitTypeCode()
    contact_reason = ContactReasonCode(required=False, allow_null=True)
    start = Moment()
    end = Moment()
    resources = Listed(Id(), max_length=20)
    add_ons = Listed(AddOnCode(), max_length=20, required=False)
    kind = Choice(
        choices=["individual", "team", "consult"],
        required=False,
        help_text="Följer av besöket: flera yrkeskategorier är ett team, med during är det ett konsultbesök (BO-02)."
        " Gruppbesök bokas i sessions/.",
    )
    during = Id(
        required=False,
        allow_null=True,
        help_text="Vårdhändelse på en annan enhet, som pågår eller är ett bokat besök: bokar ett konsultbesök (VH-10).",
    )
    main_responsible = Id(
        required=False, allow_null=True, help_text="Resursen med huvudansvar, på den registreras besöket."
    )
    parts = PartBody(many=True, required=False, max_length=20)
    booking_request = Id(
        required=False,
        allow_null=True,
        help_text="Väntar begäran på en annan enhet i en delad väntelista tas den över i samma transaktion (PL-25).",
    )
    referral = Id(
        required=False,
        allow_null=True,
        help_text="En remiss bokas en gång: har den redan en tid är svaret 409 `already_done` med `by` och `at` (PL-27)."
        " Ett besök till bokas med `commitment` utan `referral`.",
    )
    commitment = Id(required=False, allow_null=True)
    hold = Id(required=False, allow_null=True)
    overbook = Flag(required=False)
    reason = Text(max_length=200, allow_blank=True, required=False, help_text="Skäl till dubbelbokning (PL-06).")
    wished_date = Day(required=False, allow_null=True)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    letter = Flag(required=False, help_text="Skriv kallelsen i samma transaktion (KA-01); se letters/?appointment=.")
    letter_choices = LetterChoicesBody(required=False)


class RescheduleBody(Fields):
    """The new time, and new resources where they change (BO-03)."""

    start = Moment()
    end = Moment()
    resources = Listed(Id(), max_length=20, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    changed_by = Choice(
        choices=CancelledBy.values, required=False, help_text="Vem som ändrar; brevet säger det (PL-09)."
    )
    letter = Flag(
        required=False,
        help_text="Skriv brev också där inget var skrivet; false skriver inget. Utan fältet får den brev som fått brev.",
    )
    letter_choices = LetterChoicesBody(required=False, help_text="Utan fältet: som bokningens senaste brev.")


class AppointmentAnswer(Answer):
    """A booking with its encounter."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    status = serializers.ChoiceField(choices=AppointmentStatus.values)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=AppointmentKind.values)
    session = serializers.UUIDField(allow_null=True)
    plan = serializers.UUIDField(allow_null=True)
    visit_type = Coded()
    contact_reason = Coded()
    resources = ResourceAnswer(many=True)
    add_ons = Coded(many=True)
    booking_request = serializers.UUIDField(allow_null=True)
    wished_date = serializers.DateField(allow_null=True)
    dates = DatesAnswer()
    is_overbooked = serializers.BooleanField()
    overlap_reason = serializers.CharField()
    cancelled_by = serializers.ChoiceField(choices=CancelledBy.values, allow_null=True)
    cancel_reason = serializers.CharField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    encounter = EncounterFacts()


def appointment_rows():
    """Bookings with everything that their answer shows but resources and add-ons, in one query."""
    return with_words(with_identity(Appointment.objects.select_related("patient", "encounter")), "encounter__")


def parts_of(rows):
    """The resources, the add-ons and the three dates of bookings, in a few queries whatever their number: {booking: …}."""
    ids = [row.pk for row in rows]
    resources, add_ons = defaultdict(list), defaultdict(list)
    taken = Appointment.resources.through.objects.filter(appointment__in=ids).order_by("resource__name")
    for booking, pk, name in taken.values_list("appointment_id", "resource_id", "resource__name"):
        resources[booking].append({"id": str(pk), "name": name})
    chosen = Appointment.add_ons.through.objects.filter(appointment__in=ids).order_by("addon__name")
    for booking, code, name in chosen.values_list("appointment_id", "addon__code", "addon__name"):
        add_ons[booking].append({"code": code, "text": name})
    return resources, add_ons, dates.of_bookings(rows)


def appointment_answer(row, parts, *, on):
    """A booking's answer; `parts` is what `parts_of` read for it."""
    resources, add_ons, three_dates = parts
    encounter = row.encounter
    encounter.patient = row.patient
    facts = encounter_facts(encounter, row)
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "status": row.status,
        "start": moment(row.start),
        "end": moment(row.end),
        "kind": row.kind,
        "session": str(row.session_id) if row.session_id else None,
        "plan": str(row.plan_id) if row.plan_id else None,
        "visit_type": facts["visit_type"],
        "contact_reason": facts["contact_reason"],
        "resources": resources[row.pk],
        "add_ons": add_ons[row.pk],
        "booking_request": str(row.booking_request_id) if row.booking_request_id else None,
        "wished_date": day(row.wished_date),
        "dates": dates_answer(three_dates[row.pk]),
        "is_overbooked": row.is_overbooked,
        "overlap_reason": row.overlap_reason,
        "cancelled_by": row.cancelled_by or None,
        "cancel_reason": row.cancel_reason,
        "cancelled_at": moment(row.cancelled_at),
        "encounter": facts,
    }


class AppointmentEndpoint(Endpoint):
    """What addresses of one booking share."""

    def shown(self, pk, what, *, status=200):
        row = appointment_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        body = appointment_answer(row, parts_of([row]), on=local_date(self.at))
        return self.answer(body, status=status, version=row.version)

    def require_at(self, pk):
        self.require(Appointment.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Appointments(AppointmentEndpoint):
    """GET and POST appointments/."""

    permissions = {"GET": Permission.VIEW_DAY, "POST": Permission.BOOK}

    @operation(
        "appointments_list",
        "Bokningar i tidsordning",
        tag=TAG,
        query=AppointmentQuery,
        answer=page_of("AppointmentPage", AppointmentAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(AppointmentQuery)
        rows = appointment_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        if "date" in asked:
            start, end = day_range(asked["date"])
            rows = rows.filter(start__gte=start, start__lt=end)
        if "resource" in asked:
            rows = rows.filter(resources=asked["resource"])
        for name in ("patient", "status", "session", "plan"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="start")
        self.log([row.patient_id for row in page.rows], "bokningar", care_unit_id=asked.get("care_unit"))
        parts, today = parts_of(page.rows), local_date(self.at)
        return self.answer(page.answer(lambda row: appointment_answer(row, parts, on=today)))

    @operation(
        "appointments_create",
        "Boka: tid, bokning och förhandsregistrering på en gång",
        tag=TAG,
        body=BookingBody,
        answer=AppointmentAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(BookingBody)
        unit = asked["care_unit"]
        self.require_for_body(unit.pk)
        if asked.get("overbook"):
            self.require_for_body(unit.pk, Permission.OVERBOOK)
        reason = asked.get("contact_reason")
        try:
            if asked.get("booking_request") and sharing.waits_elsewhere(asked["booking_request"], unit):
                self.require_for_body(unit.pk, Permission.HANDLE_WORK_LISTS)
            booked = sharing.book(
                patient_id=asked["patient"],
                care_unit=unit,
                visit_type=asked["visit_type"],
                contact_reason_id=reason.pk if reason else None,
                start=asked["start"],
                end=asked["end"],
                resource_ids=asked["resources"],
                add_on_ids=[row.pk for row in asked.get("add_ons", ())],
                booking_request_id=asked.get("booking_request"),
                commitment_id=asked.get("commitment") or _commitment_of_referral(asked),
                referral_id=asked.get("referral"),
                during_id=asked.get("during"),
                hold_id=asked.get("hold"),
                main_resource_id=asked.get("main_responsible"),
                asked_kind=asked.get("kind"),
                parts=times_of_parts(asked),
                overbook=asked.get("overbook", False),
                reason=asked.get("reason", ""),
                wished_date=asked.get("wished_date"),
                accept_warnings=asked.get("accept_warnings", ()),
                **letter_wish(asked),
                by=self.actor.user,
                at=self.at,
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        except BookingRequest.DoesNotExist:
            raise InputError(booking_request="Bokningsbegäran finns inte. Läs in listan igen.") from None
        return self.shown(booked.pk, "bokning skapad", status=201)


def _commitment_of_referral(asked):
    """The vårdåtagande that an accepted remiss stands on (BO-01: a booking is made from a remiss)."""
    if not asked.get("referral"):
        return None
    referral = Referral.objects.filter(
        pk=asked["referral"], patient_id=asked["patient"], care_unit=asked["care_unit"]
    ).first()
    known(referral, referral="Remissen")
    if referral.commitment_id is None:
        raise RuleError(
            "VA-03",
            f"Remissen är {referral.get_status_display().lower()}. Acceptera den innan tid bokas.",
            code="wrong_status",
        )
    return referral.commitment_id


class OneAppointment(AppointmentEndpoint):
    """GET appointments/{id}/."""

    permissions = {"GET": Permission.VIEW_DAY}

    @operation("appointments_read", "Läs en bokning", tag=TAG, answer=AppointmentAnswer)
    def get(self, request, pk):
        row = appointment_rows().get(pk=pk)
        self.require(row.care_unit_id)
        self.log([row.patient_id], "bokning", care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(appointment_answer(row, parts_of([row]), on=local_date(self.at)), version=row.version)


class RescheduleAppointment(AppointmentEndpoint):
    """POST appointments/{id}/reschedule/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "appointments_reschedule",
        "Omboka: den nya tiden tas innan den gamla släpps",
        tag=TAG,
        body=RescheduleBody,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(RescheduleBody)
        appointments.reschedule(
            appointment_id=pk,
            start=asked["start"],
            end=asked["end"],
            resource_ids=asked.get("resources"),
            reason=asked.get("reason", ""),
            accept_warnings=asked.get("accept_warnings", ()),
            changed_by=asked.get("changed_by", ""),
            **letter_wish(asked, otherwise=None),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "bokning ombokad")


class NoShow(AppointmentEndpoint):
    """POST appointments/{id}/no-show/."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "appointments_no_show",
        "Registrera utebliven",
        tag=TAG,
        body=Fields,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        appointments.no_show(appointment_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "utebliven")
