"""Free times, and a time held for two minutes (BO-01)."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from rest_framework import serializers

from registration.api.coded import RowId, VisitTypeCode
from registration.models.catalogues import FORMS_OF_VISITS
from scheduling import slots, timebook
from scheduling.actions import resource_bookings
from scheduling.models import Resource, ResourceKind
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Number, Query, Text
from sdv.common.errors import InputError
from sdv.common.paging import LARGEST_PAGE
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

TAG = "Tidbok"
LONGEST_SPAN = timedelta(days=92)
USUAL_SPAN = timedelta(days=28)
SLOTS_PER_PAGE = 100

MOST_IDS = 20
LONGEST_PART = 600
# The rules that hide times, as programs name them.
HIDDEN_BY = {
    slots.PROFESSION: "other_profession",
    slots.VISIT_TYPE: "other_visit_type",
    slots.TOO_SHORT: "too_short",
    slots.ABSENT: "absent",
    timebook.HOLIDAY: "holiday",
    timebook.NOT_THERE: "not_there",
    slots.NO_ROOM: "no_room_or_equipment",
    slots.NOT_AFTER: "next_not_free",
}


class Ids(Text):
    """Ids with commas between, as an address has them."""

    default_error_messages = {"ids": "Ange id:n (UUID) med komma emellan, högst {most}."}

    def __init__(self, **options):
        super().__init__(max_length=37 * MOST_IDS, **options)

    def to_internal_value(self, data):
        try:
            found = [UUID(each.strip()) for each in super().to_internal_value(data).split(",")]
        except ValueError:
            self.fail("ids", most=MOST_IDS)
        if len(found) > MOST_IDS:
            self.fail("ids", most=MOST_IDS)
        return found


# A class body cannot have a field called from.
SlotQuery = type(
    "SlotQuery",
    (Query,),
    {
        "__doc__": "Which free times. From today and four weeks on where nothing is said; at most 92 days.",
        "care_unit": Id(),
        "also_units": Ids(
            required=False, help_text="Fler enheter, id:n med komma. Söks där kontot får boka och besökstypen finns."
        ),
        "visit_type": VisitTypeCode(),
        "contact_form": Choice(
            choices=[value for value, _ in FORMS_OF_VISITS],
            required=False,
            help_text="Formen som önskas; svarar 400 där besökstypen har en annan.",
        ),
        "from": Day(required=False),
        "to": Day(required=False),
        "resource": Ids(required=False, help_text="Resurser att söka hos, id:n med komma."),
        "together": Ids(
            required=False, help_text="Rum, utrustning eller någon till som ska vara lediga samtidigt, id:n med komma."
        ),
        "any_room": Flag(required=False, help_text="Ett rum på samma enhet ska vara ledigt, vilket som helst."),
        "any_equipment": Flag(required=False, help_text="Någon utrustning på samma enhet ska vara ledig."),
        "minutes": Number(
            required=False,
            min_value=5,
            max_value=LONGEST_PART,
            help_text="Hur lång vårdgivarens del är; besökstypens längd, om inget anges.",
        ),
        "then": Id(
            required=False,
            help_text="Resursen som tar vid när vårdgivarens del är slut: ett team efter varandra (BO-02).",
        ),
        "then_minutes": Number(
            required=False, min_value=5, max_value=LONGEST_PART, help_text="Hur lång dess del är; anges med then."
        ),
        "page_size": Number(required=False, min_value=1, max_value=LARGEST_PAGE, help_text="Högst så många tider."),
    },
)


class ResourceAnswer(Answer):
    """A resource that can be booked."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class UnitAnswer(Answer):
    """Where a time is."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class SlotAnswer(Answer):
    """A free time: whose, where, in which form, and what is had with it. `then` takes over at `then_start`."""

    resource = ResourceAnswer()
    care_unit = UnitAnswer()
    contact_form = serializers.ChoiceField(choices=[value for value, _ in FORMS_OF_VISITS])
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    together = ResourceAnswer(many=True)
    then = ResourceAnswer(allow_null=True)
    then_start = serializers.DateTimeField(allow_null=True)


class HiddenAnswer(Answer):
    """Times of the tidböcker that a rule hid, up to the last time shown."""

    code = serializers.ChoiceField(choices=list(HIDDEN_BY.values()))
    text = serializers.CharField()
    count = serializers.IntegerField()


class SlotPage(page_of("SlotPage", SlotAnswer)):
    """En sida av en lista, och varför andra tider inte visas."""

    hidden = HiddenAnswer(many=True)


def resource_answer(resource):
    return {"id": str(resource.pk), "name": resource.name} if resource else None


def slot_answer(slot):
    unit = slot.resource.care_unit
    return {
        "resource": resource_answer(slot.resource),
        "care_unit": {"id": str(unit.pk), "name": unit.name},
        "contact_form": slot.contact_form,
        "start": moment(slot.start),
        "end": moment(slot.end),
        "together": [resource_answer(each) for each in slot.others],
        "then": resource_answer(slot.then),
        "then_start": moment(slot.then_from),
    }


class Slots(Endpoint):
    """GET slots/: free times, earliest first, and which rules hid others. The next ones are asked for with a later `from`."""

    permissions = {"GET": Permission.VIEW_SCHEDULES}

    @operation(
        "slots_list",
        "Lediga tider",
        tag=TAG,
        query=SlotQuery,
        answer=SlotPage,
        has_id=False,
    )
    def get(self, request):
        asked = self.query(SlotQuery)
        unit = CareUnit.objects.filter(pk=asked["care_unit"]).first()
        if unit is None:
            raise InputError(care_unit="Vårdenheten finns inte.")
        self.require_for_body(unit.pk)
        units = [unit, *self._also(asked.get("also_units", ()), unit)]
        visit_type = asked["visit_type"]
        if asked.get("contact_form", visit_type.contact_form) != visit_type.contact_form:
            has = visit_type.get_contact_form_display().lower()
            raise InputError(contact_form=f"{visit_type.name} har formen {has}. Välj en annan besökstyp.")
        first = asked.get("from", local_date(self.at))
        last = asked.get("to", first + USUAL_SPAN)
        if last < first:
            raise InputError(to="Sista dagen ska inte ligga före den första.")
        if last - first > LONGEST_SPAN:
            raise InputError(to="Fråga efter högst 92 dagar åt gången.")
        if ("then" in asked) != ("then_minutes" in asked):
            raise InputError(then_minutes="Ange then och then_minutes tillsammans.")
        if "then" in asked and not Resource.objects.filter(pk=asked["then"], care_unit__in=units).exists():
            raise InputError(then="Resursen finns inte på enheterna som söks.")
        found = slots.find(
            care_unit=unit,
            also_units=units[1:],
            visit_type=visit_type,
            from_day=first,
            to_day=last,
            at=self.at,
            resource_ids=asked.get("resource"),
            limit=asked.get("page_size", SLOTS_PER_PAGE),
            together=_groups(asked, units),
            then=(asked["then"], asked["then_minutes"]) if "then" in asked else None,
            minutes=asked.get("minutes"),
        )
        results = [slot_answer(slot) for slot in found.slots]
        hidden = [{"code": HIDDEN_BY[rule], "text": rule, "count": count} for rule, count in found.hidden.most_common()]
        return self.answer({"results": results, "next": None, "previous": None, "hidden": hidden})

    def _also(self, ids, unit):
        """The other units, each where the caller may book: a time that may not be taken is not shown (PL-25)."""
        rows = list(CareUnit.objects.filter(pk__in=ids).exclude(pk=unit.pk).order_by("name"))
        if len({*ids} - {unit.pk}) != len(rows):
            raise InputError(also_units="Någon av vårdenheterna finns inte.")
        for row in rows:
            self.require_for_body(row.pk, Permission.BOOK)
        return rows


def _groups(asked, units):
    """What is had with the person: each that is named, and any one of a kind (see slots.find)."""
    named, kinds = asked.get("together", []), []
    if asked.get("any_room"):
        kinds.append(ResourceKind.ROOM)
    if asked.get("any_equipment"):
        kinds.append(ResourceKind.EQUIPMENT)
    if not named and not kinds:
        return ()
    rows = Resource.objects.filter(care_unit__in=units).filter(Q(pk__in=named) | Q(kind__in=kinds))
    kind_of = dict(rows.values_list("pk", "kind"))
    if not kind_of.keys() >= {*named}:
        raise InputError(together="Någon av resurserna finns inte på enheterna som söks.")
    groups = [[pk] for pk in named]
    return groups + [[pk for pk, kind in kind_of.items() if kind == wanted] for wanted in kinds]


class PartBody(Fields):
    """When within a team visit a resource is needed, where not all of it (BO-02)."""

    resource = Id()
    from_minute = Number(min_value=0, max_value=1440)
    minutes = Number(min_value=1, max_value=1440)


def times_of_parts(asked):
    """Parts as the actions take them: resource → (minutes from the start, minutes)."""
    return {each["resource"]: (each["from_minute"], each["minutes"]) for each in asked.get("parts", ())}


class HoldBody(Fields):
    """A time to hold."""

    resource = RowId(Resource)
    start = Moment()
    end = Moment()
    together = Listed(
        Id(), max_length=20, required=False, help_text="Rum, utrustning och personer på samma enhet: alla eller ingen."
    )
    parts = PartBody(
        many=True,
        required=False,
        max_length=20,
        help_text="Resurser som hålls bara en del av tiden, annars hela (BO-02).",
    )


class HoldAnswer(Answer):
    """A held time (hållen tid): the caller's until it expires or is let go."""

    id = serializers.UUIDField()
    resource = ResourceAnswer()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    together = ResourceAnswer(many=True)
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
        others = [pk for pk in asked.get("together", ()) if pk != resource.pk]
        rows = list(Resource.objects.filter(pk__in=others, care_unit=resource.care_unit_id).order_by("name", "pk"))
        if len(rows) != len(set(others)):
            raise InputError(together="Det som hålls tillsammans ska finnas på resursens enhet.")
        held = resource_bookings.hold(
            resource_id=resource.pk,
            start=asked["start"],
            end=asked["end"],
            by=self.actor.user,
            at=self.at,
            together=[row.pk for row in rows],
            parts=times_of_parts(asked),
        )
        return self.answer(
            {
                "id": str(held.pk),
                "resource": resource_answer(resource),
                "start": moment(asked["start"]),
                "end": moment(asked["end"]),
                "together": [resource_answer(row) for row in rows],
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
