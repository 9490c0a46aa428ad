"""Tidböcker by REST: the week's hours with their validity, and the extra times of a day (BO-01)."""

from rest_framework import serializers

from registration.api.coded import VisitTypeCode
from scheduling.actions import schedules
from scheduling.models import ExtraHours, Resource, WeeklyHours
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import Coded, operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day
from sdv.common.api_fields import Answer, Day, Fields, Flag, Id, Listed, Number, Text

TAG = "Tidbok"
CLOCK = {"invalid": "Skriv ett klockslag som 08:30."}
ACCEPTED = (
    "PL-02: bokningar som inte längre får plats hamnar i Ombokningar. Utan det nekas ändringen, med vilka det är."
)


def _warnings():
    return Listed(Text(max_length=20), max_length=20, required=False, help_text=ACCEPTED)


class Clock(serializers.TimeField):
    """A time of day on Stockholm's clock, in whole minutes."""

    default_error_messages = CLOCK

    def __init__(self, **options):
        super().__init__(input_formats=["%H:%M"], format="%H:%M", **options)


class ScheduleQuery(Fields):
    """Whose tidbok."""

    resource = Id()


class WeeklyHoursBody(Fields):
    """Hours on days of the week, 1 is Monday; from a day on, and to a last day where one is told."""

    resource = Id()
    weekdays = Listed(Number(min_value=1, max_value=7), max_length=7)
    from_time = Clock()
    to_time = Clock()
    slot_minutes = Number(min_value=5, max_value=600)
    valid_from = Day()
    valid_to = Day(required=False, allow_null=True)
    visit_types = Listed(VisitTypeCode(), max_length=100, required=False, help_text="Tomt: enhetens alla.")
    on_holidays = Flag(required=False)
    accept_warnings = _warnings()


class EndHoursBody(Fields):
    """The last day."""

    valid_to = Day()
    accept_warnings = _warnings()


class ExtraHoursBody(Fields):
    """Extra times of a day, beside the week's or in their place."""

    resource = Id()
    day = Day()
    from_time = Clock()
    to_time = Clock()
    slot_minutes = Number(min_value=5, max_value=600)
    visit_types = Listed(VisitTypeCode(), max_length=100, required=False)
    replaces_week = Flag(required=False)
    accept_warnings = _warnings()


class RemoveQuery(Fields):
    """Whether what no longer fits is to be booked anew."""

    accept_warnings = Text(max_length=20, required=False, help_text=ACCEPTED)


class WeeklyHoursAnswer(Answer):
    """Hours of the week."""

    id = serializers.UUIDField()
    weekday = serializers.IntegerField()
    from_time = Clock()
    to_time = Clock()
    slot_minutes = serializers.IntegerField()
    visit_types = Coded(many=True)
    on_holidays = serializers.BooleanField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)


class ExtraHoursAnswer(Answer):
    """Extra times of a day."""

    id = serializers.UUIDField()
    day = serializers.DateField()
    from_time = Clock()
    to_time = Clock()
    slot_minutes = serializers.IntegerField()
    visit_types = Coded(many=True)
    replaces_week = serializers.BooleanField()


class ScheduleAnswer(Answer):
    """A resource's tidbok: every version of its week, and the days of its own from today on."""

    resource = serializers.UUIDField()
    weekly = WeeklyHoursAnswer(many=True)
    extra = ExtraHoursAnswer(many=True)


def _hours(row):
    return {
        "id": str(row.pk),
        "from_time": f"{row.from_time:%H:%M}",
        "to_time": f"{row.to_time:%H:%M}",
        "slot_minutes": row.slot_minutes,
        "visit_types": [coded(each) for each in row.visit_types.all()],
    }


def _weekly(row):
    own = {"weekday": row.weekday, "on_holidays": row.on_holidays}
    return _hours(row) | own | {"valid_from": day(row.valid_from), "valid_to": day(row.valid_to)}


def _extra(row):
    return _hours(row) | {"day": day(row.day), "replaces_week": row.replaces_week}


class _Schedule(Endpoint):
    def require_resource(self, pk):
        """The resource's unit, or 400 where a body names one that is not there."""
        found = Resource.objects.filter(pk=pk).values_list("care_unit_id", flat=True).first()
        self.require_for_body(known(found, resource="Resursen"))

    def shown(self, resource_id, *, status=200):
        weekly = WeeklyHours.objects.filter(resource=resource_id).prefetch_related("visit_types")
        extra = ExtraHours.objects.filter(resource=resource_id, day__gte=self.at.date()).prefetch_related("visit_types")
        return self.answer(
            {
                "resource": str(resource_id),
                "weekly": [_weekly(row) for row in weekly.order_by("weekday", "from_time", "id")],
                "extra": [_extra(row) for row in extra.order_by("day", "from_time", "id")],
            },
            status=status,
        )


class Schedules(_Schedule):
    """GET schedules/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES}

    @operation("schedules_read", "En resurs tidbok", tag=TAG, query=ScheduleQuery, answer=ScheduleAnswer, has_id=False)
    def get(self, request):
        resource_id = self.query(ScheduleQuery)["resource"]
        self.require(Resource.objects.values_list("care_unit_id", flat=True).get(pk=resource_id))
        return self.shown(resource_id)


class WeeklyHoursOf(_Schedule):
    """POST weekly-hours/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "weekly_hours_create",
        "Lägg till veckotider; svarar hela tidboken",
        tag=TAG,
        body=WeeklyHoursBody,
        answer=ScheduleAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(WeeklyHoursBody)
        resource_id = asked.pop("resource")
        self.require_resource(resource_id)
        schedules.add_hours(resource_id=resource_id, **asked, by=self.actor.user, at=self.at)
        return self.shown(resource_id, status=201)


class EndWeeklyHours(_Schedule):
    """POST weekly-hours/{id}/end/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "weekly_hours_end",
        "Ge veckotider en sista dag; det som är bokat står kvar och hamnar i Ombokningar",
        tag=TAG,
        body=EndHoursBody,
        answer=ScheduleAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        row = WeeklyHours.objects.select_related("resource").get(pk=pk)
        self.require(row.resource.care_unit_id)
        schedules.end_hours(hours_id=pk, **self.body(EndHoursBody), by=self.actor.user, at=self.at)
        return self.shown(row.resource_id)


class ExtraHoursOf(_Schedule):
    """POST extra-hours/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "extra_hours_create",
        "Lägg till en dags extra tider; svarar hela tidboken",
        tag=TAG,
        body=ExtraHoursBody,
        answer=ScheduleAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(ExtraHoursBody)
        resource_id = asked.pop("resource")
        self.require_resource(resource_id)
        schedules.add_extra(resource_id=resource_id, **asked, by=self.actor.user, at=self.at)
        return self.shown(resource_id, status=201)


class OneExtraHours(_Schedule):
    """DELETE extra-hours/{id}/."""

    permissions = {"DELETE": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "extra_hours_remove",
        "Ta bort en dags extra tider; det som är bokat står kvar och hamnar i Ombokningar",
        tag=TAG,
        query=RemoveQuery,
        status=204,
        conflicts=True,
    )
    def delete(self, request, pk):
        row = ExtraHours.objects.select_related("resource").get(pk=pk)
        self.require(row.resource.care_unit_id)
        accepted = [self.query(RemoveQuery).get("accept_warnings", "")]
        schedules.remove_extra(extra_id=pk, accept_warnings=accepted, by=self.actor.user, at=self.at)
        return self.answer(None, status=204)
