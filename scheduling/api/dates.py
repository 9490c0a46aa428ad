"""Wished, offered and booked date in one answer (PL-09)."""

from rest_framework import serializers

from scheduling.models import OfferStatus
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer


class OfferedAnswer(Answer):
    """A time that was offered, and the answer."""

    start = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=OfferStatus.values)
    offered_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


class DatesAnswer(Answer):
    """The three dates of a visit, none of which overwrites another: what was wished, what was offered, what is booked."""

    wished_from = serializers.DateField(allow_null=True)
    wished_to = serializers.DateField(allow_null=True)
    offered = OfferedAnswer(many=True)
    first_booked = serializers.DateTimeField(allow_null=True, help_text="Tiden som bokades först.")
    booked = serializers.DateTimeField(allow_null=True, help_text="Tiden som gäller; den sista, om den är avbokad.")


def dates_answer(dates):
    return {
        "wished_from": day(dates.wished_first),
        "wished_to": day(dates.wished_last),
        "offered": [
            {
                "start": moment(each.period.lower),
                "status": each.status,
                "offered_at": moment(each.offered_at),
                "answered_at": moment(each.answered_at),
            }
            for each in dates.offered
        ],
        "first_booked": moment(dates.first_booked),
        "booked": moment(dates.booked.start) if dates.booked else None,
    }
