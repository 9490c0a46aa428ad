"""Öppna kallelser by REST: sent to one who waits, booked from by the patient in 1177 or by the unit, ended (PL-26)."""

from rest_framework import serializers

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling.actions import invitations, letters, many_invitations, misfits
from scheduling.models import InvitationStatus, LetterLanguage, LetterStatus, OpenInvitation
from scheduling.models.letter import OWN_TEXT_LENGTH
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

TAG = "Tidbok"


class InvitationQuery(PageQuery):
    """Filters of öppna kallelser."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=InvitationStatus.values, required=False)


class InvitationBody(Fields):
    """An öppen kallelse to one who waits: a bokningsbegäran, or a remiss with the besökstyp that is to be booked."""

    booking_request = Id(required=False)
    referral = Id(required=False)
    last_day = Day(help_text="Sista dagen patienten kan boka.")
    visit_type = VisitTypeCode(required=False)
    contact_reason = ContactReasonCode(required=False)
    own_text = Text(max_length=OWN_TEXT_LENGTH, allow_blank=True, required=False, help_text="Egen text i brevet.")
    language = Choice(choices=LetterLanguage.values, required=False)
    attachments = Listed(Id(), max_length=10, required=False)


class InviteManyBody(Fields):
    """The same öppen kallelse to several waiting requests of one unit. Where one of them cannot be invited nothing is
    saved, and `errors` of the answer say why for each; those in `leave_out` are then left as they are."""

    care_unit = RowId(CareUnit)
    booking_requests = Listed(Id(), max_length=misfits.MOST)
    leave_out = Listed(Id(), max_length=misfits.MOST, required=False)
    last_day = Day(help_text="Sista dagen patienterna kan boka.")
    own_text = Text(max_length=OWN_TEXT_LENGTH, allow_blank=True, required=False, help_text="Egen text i breven.")
    language = Choice(choices=LetterLanguage.values, required=False)
    attachments = Listed(Id(), max_length=10, required=False)


class InvitedAnswer(Answer):
    """Which öppna kallelser were sent, and how many letters lack something and stand among the unit's brev."""

    open_invitations = serializers.ListField(child=serializers.UUIDField())
    blocked_letters = serializers.IntegerField()


class BookFromInvitationBody(Fields):
    """The time that is chosen. `by_patient`: the patient booked alone, which 1177 tells of and the last day bounds."""

    start = Moment()
    end = Moment()
    resources = Listed(Id(), max_length=20)
    by_patient = Flag(required=False)
    hold = Id(required=False, allow_null=True)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)
    letter = Flag(required=False, help_text="Skriv kallelsen till den bokade tiden i samma transaktion (KA-01).")


class EndInvitationBody(Fields):
    """Why nobody follows it any more."""

    reason = Text(max_length=200, allow_blank=True)


class InvitationAnswer(Answer):
    """Öppen kallelse: what may be booked, until when, and what became of it. The patient waits on beside it (UT-07)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    booking_request = serializers.UUIDField(allow_null=True)
    referral = serializers.UUIDField(allow_null=True)
    visit_type = Coded()
    contact_reason = Coded()
    status = serializers.ChoiceField(choices=InvitationStatus.values)
    invited_on = serializers.DateField()
    last_day = serializers.DateField()
    appointment = serializers.UUIDField(allow_null=True)
    booked_by_patient = serializers.BooleanField()
    decided_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()
    letter = serializers.UUIDField(allow_null=True, help_text="Det senast skrivna brevet om den.")
    letter_status = serializers.ChoiceField(choices=LetterStatus.values, allow_null=True)


def invitation_rows(rows):
    return with_identity(rows.select_related("patient", "visit_type", "contact_reason").with_letter())


def invitation_answer(row, *, on):
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
        "status": row.status,
        "invited_on": day(row.invited_on),
        "last_day": day(row.last_day),
        "appointment": str(row.appointment_id) if row.appointment_id else None,
        "booked_by_patient": row.booked_by_patient,
        "decided_at": moment(row.decided_at),
        "end_reason": row.end_reason,
        "letter": str(row.letter_id) if row.letter_id else None,
        "letter_status": row.letter_status,
    }


class _Invitation(Endpoint):
    def require_at(self, pk):
        self.require(OpenInvitation.objects.values_list("care_unit_id", flat=True).get(pk=pk))

    def shown(self, pk, what, *, status=200):
        row = invitation_rows(OpenInvitation.objects.all()).get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(invitation_answer(row, on=local_date(self.at)), status=status, version=row.version)


class Invitations(_Invitation):
    """GET and POST open-invitations/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "POST": Permission.BOOK}

    @operation(
        "open_invitations_list",
        "Öppna kallelser vid enheten, den vars sista dag kommer först överst",
        tag=TAG,
        query=InvitationQuery,
        answer=page_of("OpenInvitationPage", InvitationAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(InvitationQuery)
        rows = OpenInvitation.objects.filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, invitation_rows(rows), asked=asked, field="last_day")
        self.log([row.patient_id for row in page.rows], "öppna kallelser", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: invitation_answer(row, on=today)))

    @operation(
        "open_invitations_create",
        "Skicka en öppen kallelse till en väntande patient: brevet skrivs, och patienten väntar kvar tills en tid är bokad",
        tag=TAG,
        body=InvitationBody,
        answer=InvitationAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(InvitationBody)
        named = [name for name in invitations.SUBJECTS if name in asked]
        if len(named) != 1:
            raise InputError(booking_request="Ange vem kallelsen gäller: exakt en av booking_request och referral.")
        (subject,) = named
        row_id = asked.pop(subject)
        rows = invitations.SUBJECTS[subject].objects.filter(pk=row_id).values_list("care_unit_id", flat=True)
        self.require_for_body(known(rows.first(), **{subject: "Posten"}))
        asked["attachment_ids"] = asked.pop("attachments", ())
        made = invitations.invite(subject=subject, row_id=row_id, **asked, by=self.actor.user, at=self.at)
        return self.shown(made.pk, "öppen kallelse skickad", status=201)


class OneInvitation(_Invitation):
    """GET open-invitations/{id}/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}

    @operation("open_invitations_read", "Läs en öppen kallelse", tag=TAG, answer=InvitationAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "öppen kallelse")


class InviteMany(Endpoint):
    """POST booking-requests/invite-many/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "booking_requests_invite_many",
        "Skicka öppna kallelser till flera som väntar: alla eller ingen, med varför för var och en som inte passar",
        tag=TAG,
        body=InviteManyBody,
        answer=InvitedAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(InviteManyBody)
        unit = asked.pop("care_unit")
        self.require_for_body(unit.pk)
        made = many_invitations.invite(
            request_ids=asked.pop("booking_requests"),
            attachment_ids=asked.pop("attachments", ()),
            care_unit=unit,
            **asked,
            by=self.actor.user,
            at=self.at,
        )
        self.log([row.patient_id for row in made], "öppna kallelser, flera", care_unit_id=unit.pk)
        ids = sorted(str(row.pk) for row in made)
        return self.answer({"open_invitations": ids, "blocked_letters": many_invitations.lacking(made)}, status=201)


class BookFromInvitation(_Invitation):
    """POST open-invitations/{id}/book/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "open_invitations_book",
        "Boka en tid ur den öppna kallelsen",
        tag=TAG,
        body=BookFromInvitationBody,
        answer=InvitationAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(BookFromInvitationBody)
        asked["resource_ids"], asked["hold_id"] = asked.pop("resources"), asked.pop("hold", None)
        invitations.book(invitation_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "bokad ur öppen kallelse")


class EndInvitation(_Invitation):
    """POST open-invitations/{id}/end/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "open_invitations_end",
        "Avsluta en öppen kallelse: ingen bevakar den längre, patienten väntar kvar",
        tag=TAG,
        body=EndInvitationBody,
        answer=InvitationAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(EndInvitationBody)["reason"]
        invitations.end(invitation_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "öppen kallelse avslutad")


class WriteInvitationLetter(_Invitation):
    """POST open-invitations/{id}/letter/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "open_invitations_letter",
        "Skriv brevet igen, där det saknas eller har stoppats",
        tag=TAG,
        body=Fields,
        answer=InvitationAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        letters.write_open(invitation_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev skrivet")
