"""Parts of bodies that several addresses share: a follow-up (UT-06), whom it goes to, the reason for ending (UT-03)."""

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from scheduling.models import OutcomeReason, Resource
from sdv.accounts.models import Practitioner
from sdv.common.api_fields import Day, Fields, Text
from sdv.common.errors import InputError
from sdv.common.time import local_date

# A class body cannot have a field called from.
FollowUpBody = type(
    "FollowUpBody",
    (Fields,),
    {
        "__doc__": "An uppföljningsbegäran to oneself or a colleague (UT-06): one per addressee.",
        "visit_type": VisitTypeCode(),
        "contact_reason": ContactReasonCode(),
        "from": Day(),
        "to": Day(),
        "resource": RowId(Resource, required=False, allow_null=True),
        "to_practitioner": RowId(Practitioner, required=False, allow_null=True),
        "note": Text(max_length=500, allow_blank=True, required=False),
    },
)


def follow_up_of(body):
    """The fields of scheduling's create_request that a follow-up means."""
    return {
        "visit_type": body["visit_type"],
        "contact_reason": body["contact_reason"],
        "wished_from": body["from"],
        "wished_to": body["to"],
        "wished_resource": body.get("resource"),
        "addressee": user_of(body.get("to_practitioner"), "to_practitioner"),
        "description": body.get("note", ""),
    }


def user_of(practitioner, field):
    """The user that a practitioner works as: lists are given to users."""
    if practitioner is None:
        return None
    if practitioner.user is None:
        raise InputError(**{field: "Medarbetaren har inget konto och kan inte ta emot poster. Välj någon annan."})
    return practitioner.user


def ending_reason(text, *, at):
    """The words of a reason for ending a vårdåtagande: the catalogue's where its code was given, else the text itself."""
    row = (
        OutcomeReason.objects.valid_on(local_date(at)).filter(outcome="end_commitment", code=text).first()
        if text
        else None
    )
    return row.name if row else text
