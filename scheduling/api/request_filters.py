"""Filters of Bokningsbegäran by REST, named as the fields (BB-01). What could tell who a person is stands in no address:
those are asked for by POST."""

from uuid import UUID

from rest_framework import serializers

from registration.api.coded import VisitTypeCode
from registration.models import VisitType
from scheduling.models import BookingRequestStatus, SavedView
from scheduling.request_filters import LATE, MYSELF, NAMES, NO_RESOURCE, NOBODY, narrowed, of_view, readable
from sdv.accounts.api.endpoint import known
from sdv.accounts.models import User
from sdv.common.api_fields import Choice, Day, Fields, Id, Text
from sdv.common.time import local_date

NONE, ME = "none", "me"


class ResourceFilter(Text):
    """The id of a resource, or `none`: rows where nobody is wished for."""

    def __init__(self, **options):
        options.setdefault("help_text", "Resursens id, eller `none`: rader där ingen är önskad.")
        super().__init__(max_length=36, **options)

    def to_internal_value(self, data):
        text = super().to_internal_value(data)
        if text == NONE:
            return NO_RESOURCE
        try:
            return str(UUID(text))
        except ValueError:
            raise serializers.ValidationError("Ange ett id (UUID), eller none.") from None


class AddresseeFilter(Text):
    """A username, `me`: whoever asks, or `none`: rows that are given to nobody."""

    def __init__(self, **options):
        options.setdefault("help_text", "Användarnamn, `me`: den som frågar, eller `none`: rader som ingen har.")
        super().__init__(max_length=150, **options)

    def to_internal_value(self, data):
        text = super().to_internal_value(data)
        if text in (ME, NONE):
            return {ME: MYSELF, NONE: NOBODY}[text]
        user = User.objects.filter(username=text).first() if text.isprintable() else None
        if user is None:
            raise serializers.ValidationError("Användaren finns inte. Ange ett användarnamn, me eller none.")
        return str(user.pk)


class ViewFilters(Fields):
    """What a saved view can keep."""

    wished_place = Text(max_length=120, required=False, help_text="Del av begärd plats.")
    wished_from = Day(required=False, help_text="Begärt startdatum tidigast.")
    wished_to = Day(required=False, help_text="Begärt slutdatum senast.")
    visit_type = VisitTypeCode(required=False)
    facility = Text(max_length=120, required=False, help_text="Del av vårdinrättningens namn.")
    wished_resource = ResourceFilter(required=False)
    addressee = AddresseeFilter(required=False)
    status = Choice(
        choices=[BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP, LATE],
        required=False,
        help_text="`late`: sista begärda dagen har passerat.",
    )


class ListFilters(ViewFilters):
    """Filters of a list: those of a view, and the view itself."""

    view = Id(required=False, help_text="En sparad vy; filter som anges dessutom gäller före vyns.")


class PersonalFilters(Fields):
    """What could tell who a person is: in bodies only."""

    identity = Text(max_length=13, required=False, help_text="Siffror ur person-ID.")
    name = Text(max_length=120, required=False, help_text="Ord ur namnet. En skyddad patient hittas aldrig på namn.")
    description = Text(max_length=120, required=False, help_text="Del av beskrivningen.")


def digits_of(asked):
    """The body with only the digits of its person-ID. Nothing but signs narrows to nobody, not to everybody."""
    if "identity" not in asked:
        return asked
    digits = "".join(sign for sign in asked["identity"] if sign.isdigit())
    if not digits:
        raise serializers.ValidationError({"identity": ["Skriv siffror ur personnumret."]})
    return asked | {"identity": digits}


def view_of(asked, actor):
    """The view that is asked for, where the actor sees it; None where none is."""
    if "view" not in asked:
        return None
    seen = SavedView.objects.seen_by(actor.user).filter(care_unit__in=actor.care_unit_ids)
    return known(seen.filter(pk=asked["view"]).first(), view="Vyn")


def by_filters(rows, asked, view, *, at, user):
    """The rows that the view and the filters leave to the user who asks."""
    today = local_date(at)
    kept = of_view(view.filters, today=today) if view else {}
    return narrowed(rows, kept | {name: asked[name] for name in NAMES if name in asked}, today=today, user=user)


def _username(pk):
    return User.objects.filter(pk=pk).values_list("username", flat=True).first() or ""


# --- What is saved ----------------------------------------------------------------------------------------------------


def saved(filters):
    """The filters as a view keeps them."""
    return {NAMES[name]: str(value.pk if isinstance(value, VisitType) else value) for name, value in filters.items()}


def answered(filters):
    """What a view keeps, as it is answered."""
    found = readable(filters)
    if "visit_type" in found:
        row = VisitType.objects.filter(pk=found["visit_type"]).first()
        found["visit_type"] = row.code if row else ""
    if found.get("wished_resource") == NO_RESOURCE:
        found["wished_resource"] = NONE
    if addressee := found.get("addressee"):
        found["addressee"] = {MYSELF: ME, NOBODY: NONE}.get(addressee) or _username(addressee)
    return found
