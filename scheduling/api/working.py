"""How people share Bokningsbegäran, by REST: saved views, and the same change on many rows (BB-01, PL-27)."""

from rest_framework import serializers

from registration.api.coded import RowId
from scheduling.actions import working
from scheduling.models import SavedView
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import operation
from sdv.accounts.models import User
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Fields, Flag, Id, Listed, Text
from sdv.common.errors import InputError
from sdv.organisation.models import CareUnit

from .booking_requests import BookingRequestAnswer, RequestEndpoint
from .request_filters import ViewFilters, answered, saved

TAG = "Arbetslistor"


class ViewsQuery(Fields):
    """At which unit."""

    care_unit = Id()


class ViewBody(Fields):
    """The same name again replaces one's own view."""

    care_unit = RowId(CareUnit)
    name = Text(max_length=40)
    filters = ViewFilters()
    is_shared = Flag(required=False)
    is_default = Flag(required=False)


class ViewAnswer(Answer):
    """A saved view: one's own, or shared with the unit."""

    id = serializers.UUIDField()
    care_unit = serializers.UUIDField()
    name = serializers.CharField()
    by = serializers.CharField()
    is_own = serializers.BooleanField()
    is_shared = serializers.BooleanField()
    is_default = serializers.BooleanField()
    filters = serializers.DictField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class ViewsAnswer(Answer):
    """The views that the caller sees at the unit."""

    results = ViewAnswer(many=True)


class ManyBody(Fields):
    """Rows of one unit, and what is done with all of them: exactly one of the three."""

    care_unit = RowId(CareUnit)
    booking_requests = Listed(Id(), max_length=working.MANY)
    addressee = Text(max_length=150, required=False, help_text="Användarnamn.")
    wished_resource = Id(required=False, allow_null=True)
    close_reason = Text(max_length=200, allow_blank=True, required=False)


class ManyAnswer(Answer):
    """Which rows were changed."""

    changed = serializers.ListField(child=serializers.UUIDField())


class _Views(Endpoint):
    def shown(self, view):
        return {
            "id": str(view.pk),
            "care_unit": str(view.care_unit_id),
            "name": view.name,
            "by": view.user.name,
            "is_own": view.user_id == self.actor.user.pk,
            "is_shared": view.is_shared,
            "is_default": view.is_default,
            "filters": answered(view.filters),
            "created_at": moment(view.created_at),
        }


class SavedViews(_Views):
    """GET and POST saved-views/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "POST": Permission.VIEW_WORK_LISTS}

    @operation(
        "saved_views_list",
        "Sparade vyer av Bokningsbegäran",
        tag=TAG,
        query=ViewsQuery,
        answer=ViewsAnswer,
        has_id=False,
    )
    def get(self, request):
        units = self.at_units(self.query(ViewsQuery)["care_unit"])
        rows = SavedView.objects.seen_by(self.actor.user).filter(care_unit__in=units).select_related("user")
        return self.answer({"results": [self.shown(row) for row in rows.order_by("name", "id")]})

    @operation(
        "saved_views_create",
        "Spara en vy",
        tag=TAG,
        body=ViewBody,
        answer=ViewAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(ViewBody)
        self.require_for_body(asked["care_unit"].pk)
        filters = saved(asked.pop("filters"))
        view = working.save_view(**asked, filters=filters, by=self.actor.user, at=self.at)
        view.refresh_from_db()
        return self.answer(self.shown(view), status=201)


class OneSavedView(_Views):
    """DELETE saved-views/{id}/."""

    permissions = {"DELETE": Permission.VIEW_WORK_LISTS}

    @operation("saved_views_remove", "Ta bort en egen vy", tag=TAG, status=204, conflicts=True)
    def delete(self, request, pk):
        view = SavedView.objects.seen_by(self.actor.user).get(pk=pk)
        self.require(view.care_unit_id)
        working.remove_view(view_id=pk, by=self.actor.user, at=self.at)
        return self.answer(None, status=204)


class WorkBody(Fields):
    """Whether to take the row over from whoever works with it."""

    take_over = Flag(required=False)


class RequestLock(RequestEndpoint):
    """POST and DELETE booking-requests/{id}/lock/: who works with the row. It tells the others, and stops nobody but who
    changes many rows at once; it is forgotten after a quarter of an hour."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS, "DELETE": Permission.HANDLE_WORK_LISTS}

    @operation(
        "booking_requests_lock",
        "Börja arbeta med en bokningsbegäran, eller ta över den",
        tag="Bokningsbegäran",
        body=WorkBody,
        answer=BookingRequestAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        act = working.take_over if self.body(WorkBody).get("take_over") else working.take
        act(request_id=pk, by=self.actor.user, at=self.at)
        return self.shown(pk, "arbetar med bokningsbegäran")

    @operation("booking_requests_unlock", "Sluta arbeta med en bokningsbegäran", tag="Bokningsbegäran", status=204)
    def delete(self, request, pk):
        self.require_at(pk)
        working.let_go(request_id=pk, by=self.actor.user)
        return self.answer(None, status=204)


class ChangeMany(Endpoint):
    """POST booking-requests/change-many/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "booking_requests_change_many",
        "Ändra eller avsluta många bokningsbegäran: alla eller ingen",
        tag="Bokningsbegäran",
        body=ManyBody,
        answer=ManyAnswer,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(ManyBody)
        unit = asked.pop("care_unit")
        self.require_for_body(unit.pk)
        ids = asked.pop("booking_requests")
        if len(asked) != 1:
            raise InputError(addressee="Ange exakt en av addressee, wished_resource och close_reason.")
        if "addressee" in asked:
            found = User.objects.filter(
                username=asked["addressee"], is_active=True, assignments__care_unit=unit
            ).first()
            asked["addressee"] = known(found, addressee="Användaren")
        if asked.get("wished_resource"):
            found = unit.resources.filter(pk=asked["wished_resource"]).first()
            asked["wished_resource"] = known(found, wished_resource="Resursen")
        rows = working.change_many(request_ids=ids, care_unit=unit, **asked, by=self.actor.user, at=self.at)
        self.log([row.patient_id for row in rows], "bokningsbegäran, flera", care_unit_id=unit.pk)
        return self.answer({"changed": [str(row.pk) for row in rows]})
