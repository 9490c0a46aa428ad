"""Brev: a kallelse for a booking, the receipt of a remiss, or to relatives of somebody who has died; read, written again,
confirmed as printed, stopped (KA-01…05, PL-22)."""

from base64 import b64encode

from django.db.models import Prefetch
from rest_framework import serializers

from registration.api.coded import RowId
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.models import Patient, Referral
from scheduling.actions import letters, wait_letters
from scheduling.models import (
    Appointment,
    CancelledBy,
    Delivery,
    Letter,
    LetterDocument,
    LetterEnclosure,
    LetterKind,
    LetterLanguage,
    LetterPart,
    LetterStatus,
)
from scheduling.models.letter import ABOUT_A_WAIT, OWN_TEXT, OWN_TEXT_LENGTH
from scheduling.presenters import is_hidden, shown_letter
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Fields, Flag, Id, Listed, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .letter_choices import LetterChoicesBody, choices_of

TAG = "Brev"
# What is built of the catalogue's texts: kind → (the field that says of what, its rows, its word, how it is written).
ABOUT = {
    LetterKind.APPOINTMENT: ("appointment", Appointment, "Bokningen", letters.write_about),
    LetterKind.REFERRAL_RECEIPT: ("referral", Referral, "Remissen", letters.write_of_referral),
}


class LetterQuery(PageQuery):
    """Filters of brev."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=LetterStatus.values, required=False)
    kind = Choice(choices=LetterKind.values, required=False)
    appointment = Id(required=False)
    referral = Id(required=False)
    booking_request = Id(required=False)


class NewLetterBody(Fields):
    """A letter to somebody near the one who has died (PL-22), whose texts are kept as they are written; or a kallelse for
    a booking, the receipt of a remiss, or a letter to who waits, built of the catalogue's texts (KA-01): they need the
    booking, remiss or bokningsbegäran alone."""

    patient = Id(required=False)
    care_unit = RowId(CareUnit, required=False)
    kind = Choice(choices=[kind.value for kind in (LetterKind.TO_RELATIVES, *ABOUT, *ABOUT_A_WAIT)])
    appointment = Id(required=False)
    referral = Id(required=False)
    booking_request = Id(required=False, help_text="Den som väntar: exakt en av booking_request och referral.")
    relation = Id(required=False, help_text="Den närstående, där personen finns på patienten.")
    name = Text(max_length=200, allow_blank=True, required=False, help_text="Den närståendes namn, om inget anges.")
    address = Text(max_length=500, allow_blank=True, required=False)
    heading = Text(max_length=120, allow_blank=True, required=False)
    body = Text(max_length=10_000, allow_blank=True, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False, help_text="Varför brevet skrivs; sparas.")
    own_text = Text(max_length=OWN_TEXT_LENGTH, allow_blank=True, required=False, help_text="Egen text i en kallelse.")
    language = Choice(
        choices=LetterLanguage.values, required=False, help_text="Utan fältet: som patientens senaste brev."
    )
    attachments = Listed(Id(), max_length=10, required=False, help_text="Ur letter-attachments/.")


class StopLetterBody(Fields):
    """Why it is not sent."""

    reason = Text(max_length=200, allow_blank=True)


class AgainBody(Fields):
    """A copy that lacked its address gets it here (KA-04)."""

    address = Text(max_length=500, allow_blank=True, required=False)


class LargePrintBody(Fields):
    """Whether the letter is in large print."""

    is_large_print = Flag()


class LetterSection(serializers.Serializer):
    """A part of a letter."""

    part = serializers.ChoiceField(choices=[*LetterPart.values, OWN_TEXT])
    heading = serializers.CharField()
    text = serializers.CharField()
    language = serializers.ChoiceField(
        choices=LetterLanguage.values, required=False, help_text="Där texten inte finns på brevets språk."
    )


class LetterParts(serializers.Serializer):
    """A letter's structure; empty where its text was written whole."""

    facts = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    sections = LetterSection(many=True)
    fallback = serializers.ListField(
        child=serializers.ChoiceField(choices=LetterPart.values),
        required=False,
        help_text="Delar som står på svenska för att katalogen saknar dem på brevets språk.",
    )


class LetterDocumentAnswer(Answer):
    """The letter as it was put on paper."""

    sha256 = serializers.CharField()
    made_at = serializers.DateTimeField()
    pdf = serializers.CharField(help_text="base64")


class AttachmentAnswer(Answer):
    """A file that goes with a letter, or may go."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField()


class LetterAnswer(Answer):
    """A letter as it stands on the paper. Texts are empty where the patient is protected (KA-05, SK-05)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=LetterKind.values)
    status = serializers.ChoiceField(choices=LetterStatus.values)
    relation = serializers.UUIDField(allow_null=True)
    sender = serializers.CharField()
    recipient = serializers.CharField()
    heading = serializers.CharField()
    body = serializers.CharField()
    parts = LetterParts()
    appointment = serializers.UUIDField(allow_null=True)
    open_invitation = serializers.UUIDField(allow_null=True)
    referral = serializers.UUIDField(allow_null=True)
    booking_request = serializers.UUIDField(allow_null=True)
    language = serializers.ChoiceField(choices=LetterLanguage.values)
    own_text = serializers.CharField()
    attachments = AttachmentAnswer(many=True)
    delivery = serializers.ChoiceField(choices=Delivery.values)
    is_copy = serializers.BooleanField()
    is_large_print = serializers.BooleanField()
    changed_by = serializers.ChoiceField(choices=CancelledBy.values, allow_null=True)
    tells_fee = serializers.BooleanField(help_text="Om brevet säger vad det kostar att utebli (PL-14).")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(allow_null=True)
    stop_reason = serializers.CharField()


def letter_rows():
    """Letters with everything that their answer shows, in one query."""
    enclosed = LetterEnclosure.objects.select_related("attachment").defer("attachment__pdf").order_by("id")
    rows = Letter.objects.select_related("patient", "relation", "decided_by")
    return with_identity(rows.prefetch_related(Prefetch("enclosures", enclosed)))


def letter_answer(row, *, on):
    shown = shown_letter(row)
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "kind": row.kind,
        "status": row.status,
        "relation": str(row.relation_id) if row.relation_id and not shown.is_hidden else None,
        "sender": row.sender,
        "recipient": shown.recipient,
        "heading": shown.heading,
        "body": shown.body,
        "parts": {"facts": [], "sections": []} if shown.is_hidden or not row.parts else row.parts,
        "appointment": str(row.appointment_id) if row.appointment_id else None,
        "referral": str(row.referral_id) if row.referral_id else None,
        "booking_request": str(row.booking_request_id) if row.booking_request_id else None,
        "open_invitation": str(row.open_invitation_id) if row.open_invitation_id else None,
        "language": LetterLanguage.SWEDISH if shown.is_hidden else row.language,
        "own_text": "" if shown.is_hidden else row.own_text,
        "attachments": [] if shown.is_hidden else [attachment_answer(each.attachment) for each in row.enclosures.all()],
        "delivery": row.delivery,
        "is_copy": row.is_copy,
        "is_large_print": row.is_large_print,
        "changed_by": row.changed_by or None,
        "tells_fee": row.tells_fee,
        "reason": shown.reason,
        "created_at": moment(row.created_at),
        "decided_at": moment(row.decided_at),
        "decided_by": row.decided_by.name if row.decided_by else None,
        "stop_reason": shown.stop_reason,
    }


def attachment_answer(row):
    return {"id": str(row.pk), "name": row.name, "sha256": row.sha256}


def who_waits(asked):
    """What the letter is about that somebody waits for: (the field, the row's id, its unit's)."""
    named = [name for name in wait_letters.SUBJECTS if name in asked]
    if len(named) != 1:
        raise InputError(booking_request="Ange vem som väntar: exakt en av booking_request och referral.")
    (subject,) = named
    rows = wait_letters.SUBJECTS[subject].objects.filter(pk=asked[subject])
    row = known(rows.values("pk", "care_unit_id").first(), **{subject: "Posten"})
    return subject, row["pk"], row["care_unit_id"]


class LetterEndpoint(Endpoint):
    """What is done with one letter, at its unit."""

    def shown(self, pk, what, *, status=200):
        row = letter_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(letter_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def require_at(self, pk):
        self.require(Letter.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Letters(LetterEndpoint):
    """GET and POST letters/."""

    permissions = {"GET": Permission.WRITE_LETTERS, "POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_list",
        "Brev från enheten, senast skrivna först",
        tag=TAG,
        query=LetterQuery,
        answer=page_of("LetterPage", LetterAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(LetterQuery)
        rows = letter_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", "status", "kind", "appointment", "referral", "booking_request"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="created_at", newest_first=True)
        self.log([row.patient_id for row in page.rows], "brev", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: letter_answer(row, on=today)))

    @operation(
        "letters_create",
        "Skriv en kallelse till en bokning, en remissbekräftelse, ett brev till den som väntar, eller ett brev till"
        " närstående till den som avlidit",
        tag=TAG,
        body=NewLetterBody,
        answer=LetterAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewLetterBody)
        kind = asked.pop("kind")
        if about := ABOUT.get(kind):
            return self._built(asked, *about)
        if kind in ABOUT_A_WAIT:
            return self._to_who_waits(asked, kind)
        for name in ("appointment", "referral", "booking_request", "own_text", "language", "attachments"):
            asked.pop(name, None)
        if missing := {name: "Fältet är obligatoriskt." for name in ("patient", "care_unit") if name not in asked}:
            raise InputError(**missing)
        self.require_for_body(asked["care_unit"].pk)
        texts = dict.fromkeys(("name", "address", "heading", "body", "reason"), "")
        asked = texts | {"relation_id": asked.pop("relation", None)} | asked
        try:
            letter = letters.write_to_relatives(
                patient_id=asked.pop("patient"), **asked, by=self.actor.user, at=self.at
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(letter.pk, "brev skrivet", status=201)

    def _built(self, asked, field, model, word, write):
        """Of a booking or a remiss: it says whose and where."""
        row = model.objects.filter(pk=asked.get(field)).values("pk", "care_unit_id").first()
        known(row, **{field: word})
        self.require_for_body(row["care_unit_id"])
        written = write(**{f"{field}_id": row["pk"]}, **choices_of(asked), by=self.actor.user, at=self.at)
        return self.shown(written[0].pk, "brev skrivet", status=201)

    def _to_who_waits(self, asked, kind):
        """Of a bokningsbegäran or a remiss: it says whose and where."""
        subject, row_id, unit_id = who_waits(asked)
        self.require_for_body(unit_id)
        told = {"subject": subject, "row_id": row_id, "kind": kind}
        letter = wait_letters.write(**told, **choices_of(asked), by=self.actor.user, at=self.at)
        return self.shown(letter.pk, "brev skrivet", status=201)


class OneLetter(LetterEndpoint):
    """GET letters/{id}/."""

    permissions = {"GET": Permission.WRITE_LETTERS}

    @operation("letters_read", "Läs ett brev", tag=TAG, answer=LetterAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "brev")


class LetterPrinted(LetterEndpoint):
    """POST letters/{id}/printed/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_printed",
        "Bekräfta att brevet är utskrivet",
        tag=TAG,
        body=Fields,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        letters.confirm_printed(letter_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev utskrivet")


class StopLetter(LetterEndpoint):
    """POST letters/{id}/stop/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_stop",
        "Stoppa ett brev som inte är utskrivet",
        tag=TAG,
        body=StopLetterBody,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(StopLetterBody)["reason"]
        letters.stop(letter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev stoppat")


class LetterAgain(LetterEndpoint):
    """POST letters/{id}/again/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_again",
        "Skriv ett brev som saknade en uppgift igen",
        tag=TAG,
        body=AgainBody,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        address = self.body(AgainBody).get("address", "")
        written = letters.write_again(
            letter_id=pk, address=address, by=self.actor.user, at=self.at, version=self.version
        )
        return self.shown(written.pk, "brev skrivet")


class RewriteLetter(LetterEndpoint):
    """POST letters/{id}/rewrite/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_rewrite",
        "Skriv om ett brev som inte har gått, med egen text, språk eller bilagor; svarar det nya brevet",
        tag=TAG,
        body=LetterChoicesBody,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = choices_of(self.body(LetterChoicesBody))
        written = letters.rewrite(letter_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(written.pk, "brev skrivet")


class LargePrint(LetterEndpoint):
    """POST letters/{id}/large-print/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_large_print",
        "Välj stor text för ett brev som inte är utskrivet",
        tag=TAG,
        body=LargePrintBody,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        is_large = self.body(LargePrintBody)["is_large_print"]
        letters.set_large_print(letter_id=pk, is_large=is_large, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev ändrat")


class LetterDocumentOf(LetterEndpoint):
    """GET letters/{id}/document/."""

    permissions = {"GET": Permission.WRITE_LETTERS}

    @operation("letters_document", "Läs brevet som det skrevs ut, byte för byte", tag=TAG, answer=LetterDocumentAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        row = letter_rows().get(pk=pk)
        kept = None if is_hidden(row) else LetterDocument.objects.filter(letter=row).first()
        if kept is None:
            raise LetterDocument.DoesNotExist
        self.log([row.patient_id], "brev", care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(
            {"sha256": kept.sha256, "made_at": moment(kept.made_at), "pdf": b64encode(kept.pdf).decode("ascii")}
        )
