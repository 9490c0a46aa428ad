"""Frigjorda tider and erbjudanden by REST (PL-01)."""

from rest_framework import serializers

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling import freed
from scheduling.actions import offers
from scheduling.models import BookingRequest, FreedTime, Offer, OfferStatus, Resource
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, moment
from sdv.common.api_fields import Answer, Choice, Fields, Id, Listed, Moment, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import sharing_ids

from .slots import ResourceAnswer, resource_answer

TAG = "Tidbok"


class FreedTimeQuery(PageQuery):
    """Filters of frigjorda tider."""

    care_unit = Id(required=False)
    resource = Id(required=False)


class FreedTimeAnswer(Answer):
    """A time that was booked and is free again."""

    id = serializers.UUIDField()
    care_unit = serializers.UUIDField()
    resource = ResourceAnswer()
    visit_type = Coded(allow_null=True, help_text="Vad tiden var bokad som.")
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    cause = serializers.CharField()
    freed_at = serializers.DateTimeField()


class CandidateAnswer(Answer):
    """One who waits, with the place in the order and the reasons for it."""

    place = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField())
    days_over = serializers.IntegerField(allow_null=True, help_text="Dagar över målet den dagen; negativt är kvar.")
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField(help_text="Där patienten väntar: enheten, eller en den delar väntelista med.")
    booking_request = serializers.UUIDField(allow_null=True)
    referral = serializers.UUIDField(allow_null=True)
    visit_type = Coded(allow_null=True)
    attempts = serializers.IntegerField(help_text="Kontaktförsök på raden (PL-10).")
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    is_contacted_today = serializers.BooleanField(help_text="Någon på enheten har försökt nå patienten i dag.")


class CandidatesAnswer(Answer):
    """At most twenty, the one whom the time suits best first, of `total` whom it suits. A contact attempt is registered on
    the row's `booking_request` or `referral` by contact-attempts/."""

    total = serializers.IntegerField()
    results = CandidateAnswer(many=True)


def freed_answer(row):
    return {
        "id": str(row.pk),
        "care_unit": str(row.care_unit_id),
        "resource": resource_answer(row.resource),
        "visit_type": coded(row.visit_type) if row.visit_type else None,
        "start": moment(row.start),
        "end": moment(row.end),
        "cause": row.cause,
        "freed_at": moment(row.freed_at),
    }


class FreedTimes(Endpoint):
    """GET freed-times/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES}

    @operation(
        "freed_times_list",
        "Frigjorda tider som fortfarande är lediga",
        tag=TAG,
        query=FreedTimeQuery,
        answer=page_of("FreedTimePage", FreedTimeAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(FreedTimeQuery)
        rows = FreedTime.objects.usable(self.at).filter(care_unit__in=self.at_units(asked.get("care_unit")))
        if "resource" in asked:
            rows = rows.filter(resource=asked["resource"])
        page = by_cursor(request, rows.select_related("resource", "visit_type"), asked=asked, field="start")
        return self.answer(page.answer(freed_answer))


class FreedTimeCandidates(Endpoint):
    """GET freed-times/{id}/candidates/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}

    @operation("freed_times_candidates", "Väntande som tiden passar, i ordning", tag=TAG, answer=CandidatesAnswer)
    def get(self, request, pk):
        related = ("resource__practitioner", "care_unit", "visit_type__visit_kind")
        row = FreedTime.objects.select_related(*related).get(pk=pk)
        self.require(row.care_unit_id)
        found = freed.candidates(
            care_unit=row.care_unit, resource=row.resource, start=row.start, at=self.at, visit_type=row.visit_type
        )
        shown = {}
        for model in offers.SUBJECTS.values():
            rows = model.objects.filter(pk__in=[each.row.pk for each in found.rows if isinstance(each.row, model)])
            shown |= {each.pk: each for each in with_identity(rows.select_related("patient"))}
        self.log(
            [each.row.patient_id for each in found.rows], "väntande för en ledig tid", care_unit_id=row.care_unit_id
        )
        today = local_date(self.at)
        results = [_candidate(each, row, shown[each.row.pk], today) for each in found.rows]
        return self.answer({"total": found.total, "results": results})


def _candidate(each, freed_time, row, today):
    is_request = isinstance(each.row, BookingRequest)
    return {
        "place": each.place,
        "reasons": list(each.reasons),
        "days_over": each.days_over,
        "patient": str(each.row.patient_id),
        "patient_summary": summary_of_row(row, on=today),
        "care_unit": str(each.row.care_unit_id),
        "booking_request": str(each.row.pk) if is_request else None,
        "referral": None if is_request else str(each.row.pk),
        "visit_type": coded(each.row.visit_type if is_request else freed_time.visit_type),
        "attempts": each.row.attempts or 0,
        "last_attempt_at": moment(each.row.last_attempt),
        "is_contacted_today": each.row.is_tried,
    }


class OfferQuery(PageQuery):
    """Filters of erbjudanden."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=OfferStatus.values, required=False)


class OfferBody(Fields):
    """A time offered to one who waits: a bokningsbegäran, or a remiss with the besökstyp that is offered."""

    booking_request = Id(required=False)
    referral = Id(required=False)
    resource = RowId(Resource)
    start = Moment()
    visit_type = VisitTypeCode(required=False)
    contact_reason = ContactReasonCode(required=False)


class AcceptOfferBody(Fields):
    """The patient said yes."""

    accept_warnings = Listed(child=Text(max_length=10), required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)


class OfferAnswer(Answer):
    """Erbjudande: the time is held until it is answered or runs out."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    booking_request = serializers.UUIDField(allow_null=True)
    referral = serializers.UUIDField(allow_null=True)
    visit_type = Coded()
    contact_reason = Coded()
    resource = ResourceAnswer()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=OfferStatus.values)
    offered_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField(help_text="Kontaktförsök på raden som erbjudandet gäller (PL-10).")
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    appointment = serializers.UUIDField(allow_null=True)


def offer_rows(rows):
    return with_identity(rows.with_attempts().select_related("patient", "visit_type", "contact_reason", "resource"))


def offer_answer(row, *, on):
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "booking_request": str(row.booking_request_id) if row.booking_request_id else None,
        "referral": str(row.referral_id) if row.referral_id else None,
        "visit_type": coded(row.visit_type),
        "contact_reason": coded(row.contact_reason),
        "resource": resource_answer(row.resource),
        "start": moment(row.period.lower),
        "end": moment(row.period.upper),
        "status": row.status,
        "offered_at": moment(row.offered_at),
        "expires_at": moment(row.expires_at),
        "answered_at": moment(row.answered_at),
        "attempts": row.attempts or 0,
        "last_attempt_at": moment(row.last_attempt),
        "appointment": str(row.appointment_id) if row.appointment_id else None,
    }


class _Offer(Endpoint):
    def require_at(self, pk):
        self.require(Offer.objects.values_list("care_unit_id", flat=True).get(pk=pk))

    def shown(self, pk, what, *, status=200):
        row = offer_rows(Offer.objects.all()).get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(offer_answer(row, on=local_date(self.at)), status=status, version=row.version)


class Offers(_Offer):
    """GET and POST offers/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "POST": Permission.BOOK}

    @operation(
        "offers_list",
        "Erbjudanden vid enheten",
        tag=TAG,
        query=OfferQuery,
        answer=page_of("OfferPage", OfferAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(OfferQuery)
        rows = offer_rows(Offer.objects.filter(care_unit__in=self.at_units(asked.get("care_unit"))))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="offered_at")
        self.log([row.patient_id for row in page.rows], "erbjudanden", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: offer_answer(row, on=today)))

    @operation(
        "offers_create",
        "Erbjud en väntande patient en tid; tiden hålls tills svaret kommer eller erbjudandet går ut",
        tag=TAG,
        body=OfferBody,
        answer=OfferAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(OfferBody)
        named = [name for name in offers.SUBJECTS if name in asked]
        if len(named) != 1:
            raise InputError(booking_request="Ange vem tiden erbjuds: exakt en av booking_request och referral.")
        (subject,) = named
        row_id, resource = asked.pop(subject), asked.pop("resource")
        rows = offers.SUBJECTS[subject].objects.filter(pk=row_id).values_list("care_unit_id", flat=True)
        waits_at = known(rows.first(), **{subject: "Posten"})
        if resource.care_unit_id in sharing_ids([waits_at], local_date(self.at)):
            self.require_for_body(resource.care_unit_id)
            if resource.care_unit_id != waits_at:
                # A yes takes the patient over.
                self.require_for_body(resource.care_unit_id, Permission.HANDLE_WORK_LISTS)
        else:
            self.require_for_body(waits_at)
        made = offers.make(
            subject=subject, row_id=row_id, resource_id=resource.pk, **asked, by=self.actor.user, at=self.at
        )
        return self.shown(made.pk, "erbjudande gjort", status=201)


def _answers(name, summary, body=Fields):
    return operation(name, summary, tag=TAG, body=body, answer=OfferAnswer, is_post=True, is_versioned=True)


class AcceptOffer(_Offer):
    """POST offers/{id}/accept/."""

    permissions = {"POST": Permission.BOOK}

    @_answers("offers_accept", "Patienten tackar ja: tiden bokas", AcceptOfferBody)
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(AcceptOfferBody)
        offers.accept(offer_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "erbjudande antaget")


class DeclineOffer(_Offer):
    """POST offers/{id}/decline/."""

    permissions = {"POST": Permission.BOOK}

    @_answers("offers_decline", "Patienten tackar nej: tiden släpps")
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        offers.decline(offer_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "erbjudande avböjt")


class WithdrawOffer(_Offer):
    """POST offers/{id}/withdraw/."""

    permissions = {"POST": Permission.BOOK}

    @_answers("offers_withdraw", "Dra tillbaka ett erbjudande: tiden släpps")
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        offers.withdraw(offer_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "erbjudande tillbakadraget")
