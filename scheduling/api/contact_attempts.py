"""Kontaktförsök by REST: recorded, listed, taken back (PL-10)."""

from rest_framework import serializers

from scheduling.actions import contact_attempts
from scheduling.models import SUBJECTS, ContactAttempt, ContactMethod, ContactResult
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Id
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor

TAG = "Arbetslistor"

ContactAttemptQuery = type(
    "ContactAttemptQuery",
    (PageQuery,),
    {"__doc__": "Filters of kontaktförsök.", "care_unit": Id(required=False), "patient": Id(required=False)}
    | {name: Id(required=False) for name in SUBJECTS},
)
ContactAttemptBody = type(
    "ContactAttemptBody",
    (Fields,),
    {
        "__doc__": "An attempt on exactly one row: a bokningsbegäran, a remiss to book, or an item of a work list.",
        "method": Choice(choices=ContactMethod.values),
        "result": Choice(choices=ContactResult.values),
        "next_on": Day(required=False, allow_null=True, help_text="När nästa försök ska göras."),
    }
    | {name: Id(required=False) for name in SUBJECTS},
)


class ContactAttemptAnswer(Answer):
    """Kontaktförsök: who, when, how, result, next (PL-10)."""

    id = serializers.UUIDField()
    patient = serializers.UUIDField()
    care_unit = serializers.UUIDField()
    subject = serializers.ChoiceField(choices=SUBJECTS, help_text="Vad försöket gäller.")
    subject_id = serializers.UUIDField()
    method = serializers.ChoiceField(choices=ContactMethod.values)
    result = serializers.ChoiceField(choices=ContactResult.values)
    at = serializers.DateTimeField()
    by = serializers.CharField()
    next_on = serializers.DateField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)


def attempt_answer(row):
    subject = next(name for name in SUBJECTS if getattr(row, f"{name}_id"))
    return {
        "id": str(row.pk),
        "patient": str(row.patient_id),
        "care_unit": str(row.care_unit_id),
        "subject": subject,
        "subject_id": str(getattr(row, f"{subject}_id")),
        "method": row.method,
        "result": row.result,
        "at": moment(row.at),
        "by": row.by.name,
        "next_on": day(row.next_on),
        "undone_at": moment(row.undone_at),
    }


class ContactAttempts(Endpoint):
    """GET and POST contact-attempts/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "contact_attempts_list",
        "Kontaktförsök vid enheten",
        tag=TAG,
        query=ContactAttemptQuery,
        answer=page_of("ContactAttemptPage", ContactAttemptAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(ContactAttemptQuery)
        rows = ContactAttempt.objects.select_related("by").filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", *SUBJECTS):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="at")
        self.log([row.patient_id for row in page.rows], "kontaktförsök", care_unit_id=asked.get("care_unit"))
        return self.answer(page.answer(attempt_answer))

    @operation(
        "contact_attempts_create",
        "Registrera ett kontaktförsök",
        tag=TAG,
        body=ContactAttemptBody,
        answer=ContactAttemptAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(ContactAttemptBody)
        named = [name for name in SUBJECTS if name in asked]
        if len(named) != 1:
            raise InputError(subject=f"Ange vad försöket gäller: exakt en av {', '.join(SUBJECTS)}.")
        (subject,) = named
        row_id = asked.pop(subject)
        model, _ = contact_attempts.MODELS[subject]
        unit = known(model.objects.filter(pk=row_id).values_list("care_unit_id", flat=True).first(), subject="Posten")
        self.require_for_body(unit)
        made = contact_attempts.record(subject=subject, row_id=row_id, **asked, by=self.actor.user, at=self.at)
        self.log([made.patient_id], "kontaktförsök registrerat", care_unit_id=unit, resource_id=made.pk)
        return self.answer(attempt_answer(made), status=201)


class UndoContactAttempt(Endpoint):
    """POST contact-attempts/{id}/undo/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "contact_attempts_undo",
        "Ångra ett kontaktförsök",
        tag=TAG,
        body=Fields,
        answer=ContactAttemptAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        unit = ContactAttempt.objects.values_list("care_unit_id", flat=True).get(pk=pk)
        self.require(unit)
        self.body(Fields)
        may_correct = unit in set(self.actor.units_where(Permission.CORRECT))
        contact_attempts.undo(attempt_id=pk, by=self.actor.user, at=self.at, may_correct=may_correct)
        row = ContactAttempt.objects.select_related("by").get(pk=pk)
        self.log([row.patient_id], "kontaktförsök ångrat", care_unit_id=unit, resource_id=row.pk)
        return self.answer(attempt_answer(row))
