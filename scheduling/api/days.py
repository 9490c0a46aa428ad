"""The end of the day by REST (PL-04)."""

from rest_framework import serializers

from registration.api.coded import RowId
from scheduling import days
from scheduling.actions import day_close
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Day, Fields, Id, Listed, Query
from sdv.organisation.models import CareUnit

TAG = "Arbetslistor"


class DayQuery(Fields):
    """Which unit's day."""

    care_unit = Id()
    date = Day()


class UnclosedQuery(Query):
    """At which unit."""

    care_unit = Id(required=False)


class UnclosedDay(Answer):
    """A day that nobody has closed."""

    care_unit = serializers.UUIDField()
    date = serializers.DateField()


class UnclosedDays(Endpoint):
    """GET work-lists/day-close/."""

    permissions = {"GET": Permission.VIEW_DAY}

    @operation(
        "work_lists_day_close",
        "Dagar som ingen har stängt (PL-04)",
        tag=TAG,
        query=UnclosedQuery,
        answer=page_of("UnclosedDayPage", UnclosedDay),
        has_id=False,
    )
    def get(self, request):
        units = self.at_units(self.query(UnclosedQuery).get("care_unit"))
        rows = [{"care_unit": str(unit), "date": day(on)} for unit, on in days.unclosed(at=self.at, care_units=units)]
        return self.answer({"results": rows, "next": None, "previous": None})


class CloseDayBody(Fields):
    """The day to close, and the bookings that a person confirms as Utebliven."""

    care_unit = RowId(CareUnit)
    date = Day()
    no_shows = Listed(child=Id(), required=False)


class LeftOfDayAnswer(Answer):
    """The vårdhändelser that something is left of."""

    not_checked_out = serializers.ListField(child=serializers.UUIDField())
    no_outcome = serializers.ListField(child=serializers.UUIDField())
    no_cash = serializers.ListField(child=serializers.UUIDField())
    not_coded = serializers.ListField(child=serializers.UUIDField())


class DayAnswer(Answer):
    """A unit's day: who has not arrived, what is left, and whether it is closed."""

    care_unit = serializers.UUIDField()
    date = serializers.DateField()
    not_arrived = serializers.ListField(child=serializers.UUIDField(), help_text="Bokningar.")
    left = LeftOfDayAnswer()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_null=True)


class DayClosing(Endpoint):
    """GET and POST day-close/."""

    permissions = {"GET": Permission.VIEW_DAY, "POST": Permission.REGISTER_ARRIVAL}

    @operation("day_close_read", "Vad som är kvar av dagen", tag=TAG, query=DayQuery, answer=DayAnswer, has_id=False)
    def get(self, request):
        asked = self.query(DayQuery)
        self.require_for_body(asked["care_unit"])
        return self.shown(asked["care_unit"], asked["date"])

    @operation(
        "day_close_create",
        "Bekräfta uteblivna och stäng dagen",
        tag=TAG,
        body=CloseDayBody,
        answer=DayAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(CloseDayBody)
        unit, on = asked["care_unit"], asked["date"]
        self.require_for_body(unit.pk)
        who = {"care_unit": unit, "day": on, "by": self.actor.user, "at": self.at}
        _, refused = day_close.confirm_and_close(appointment_ids=asked.get("no_shows", ()), **who)
        if refused:
            raise refused[0]
        return self.shown(unit.pk, on, status=201)

    def shown(self, care_unit_id, on, *, status=200):
        bookings = list(days.not_arrived(care_unit_id, on).values_list("pk", "patient_id"))
        left, patients = {}, [patient for _, patient in bookings]
        for name, rows in days.left_of(care_unit_id, on).items():
            found = list(rows.order_by("pk").values_list("pk", "patient_id"))
            left[name] = [str(pk) for pk, _ in found]
            patients += [patient for _, patient in found]
        self.log(patients, "dagens avslut", care_unit_id=care_unit_id)
        closed = days.closing(care_unit_id, on)
        body = {
            "care_unit": str(care_unit_id),
            "date": day(on),
            "not_arrived": [str(pk) for pk, _ in bookings],
            "left": left,
            "closed_at": moment(closed.closed_at) if closed else None,
            "closed_by": closed.closed_by.name if closed else None,
        }
        return self.answer(body, status=status)
