"""Free times, and a time held for two minutes (BO-01)."""

from datetime import timedelta

from rest_framework import serializers

from registration.api.coded import RowId, VisitTypeCode
from scheduling import slots
from scheduling.actions import resource_bookings
from scheduling.models import Resource
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Day, Fields, Id, Moment, Number
from sdv.common.errors import InputError
from sdv.common.paging import LARGEST_PAGE
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

TAG = "Tidbok"
LONGEST_SPAN = timedelta(days=92)
USUAL_SPAN = timedelta(days=28)
SLOTS_PER_PAGE = 100

# A class body cannot have a field called from.
SlotQuery = type(
    "SlotQuery",
    (Fields,),
    {
        "__doc__": "Which free times. From today and four weeks on where nothing is said; at most 92 days.",
        "care_unit": Id(),
        "visit_type": VisitTypeCode(),
        "from": Day(required=False),
        "to": Day(required=False),
        "resource": Id(required=False),
        "page_size": Number(required=False, min_value=1, max_value=LARGEST_PAGE, help_text="Högst så många tider."),
    },
)


class ResourceAnswer(Answer):
    """A resource that can be booked."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class SlotAnswer(Answer):
    """A free time of a resource."""

    resource = ResourceAnswer()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


def resource_answer(resource):
    return {"id": str(resource.pk), "name": resource.name} if resource else None


def slot_answer(slot):
    return {"resource": resource_answer(slot.resource), "start": moment(slot.start), "end": moment(slot.end)}


class Slots(Endpoint):
    """GET slots/: free times, earliest first. The next ones are asked for with a later `from`."""

    permissions = {"GET": Permission.VIEW_SCHEDULES}

    @operation(
        "slots_list",
        "Lediga tider",
        tag=TAG,
        query=SlotQuery,
        answer=page_of("SlotPage", SlotAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(SlotQuery)
        unit = CareUnit.objects.filter(pk=asked["care_unit"]).first()
        if unit is None:
            raise InputError(care_unit="Vårdenheten finns inte.")
        self.require_for_body(unit.pk)
        first = asked.get("from", local_date(self.at))
        last = asked.get("to", first + USUAL_SPAN)
        if last < first:
            raise InputError(to="Sista dagen ska inte ligga före den första.")
        if last - first > LONGEST_SPAN:
            raise InputError(to="Fråga efter högst 92 dagar åt gången.")
        found = slots.free(
            care_unit=unit,
            visit_type=asked["visit_type"],
            from_day=first,
            to_day=last,
            at=self.at,
            resource_ids=[asked["resource"]] if "resource" in asked else None,
            limit=asked.get("page_size", SLOTS_PER_PAGE),
        )
        results = [slot_answer(slot) for slot in found]
        return self.answer({"results": results, "next": None, "previous": None})


class HoldBody(Fields):
    """A time to hold."""

    resource = RowId(Resource)
    start = Moment()
    end = Moment()


class HoldAnswer(Answer):
    """A held time (hållen tid): the caller's until it expires or is let go."""

    id = serializers.UUIDField()
    resource = ResourceAnswer()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class Holds(Endpoint):
    """POST holds/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "holds_create",
        "Håll en tid i två minuter",
        tag=TAG,
        body=HoldBody,
        answer=HoldAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(HoldBody)
        resource = asked["resource"]
        self.require_for_body(resource.care_unit_id)
        held = resource_bookings.hold(
            resource_id=resource.pk, start=asked["start"], end=asked["end"], by=self.actor.user, at=self.at
        )
        return self.answer(
            {
                "id": str(held.pk),
                "resource": resource_answer(resource),
                "start": moment(asked["start"]),
                "end": moment(asked["end"]),
                "expires_at": moment(held.expires_at),
            },
            status=201,
        )


class OneHold(Endpoint):
    """DELETE holds/{id}/: an own hold; one already gone is no fault."""

    permissions = {"DELETE": Permission.BOOK}

    @operation("holds_delete", "Släpp en hållen tid", tag=TAG, status=204)
    def delete(self, request, pk):
        resource_bookings.release_hold(hold_id=pk, by=self.actor.user)
        return self.answer(None, status=204)
