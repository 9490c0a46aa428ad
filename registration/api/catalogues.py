"""Catalogues and the organisation, read-only: what bodies name by code or id, and what answers mean."""

from django.db.models import Q
from rest_framework import serializers

from registration.models import AddOn, ContactReason, ProblemCode, VisitType
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day
from sdv.common.api_fields import Answer, Day, Id, Text
from sdv.common.errors import InputError
from sdv.common.paging import CatalogueQuery, by_page
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit, CareUnitKind, PlaceKind

TAG = "Kataloger"
ORGANISATION = "Organisation"


class _Catalogue(Endpoint):
    permissions = {"GET": Permission.VIEW_CATALOGUES}

    def page(self, rows, asked, shown):
        return self.answer(by_page(self.request, rows, asked=asked).answer(shown))

    def day(self, asked):
        """The day whose rows are shown: today where none is asked for."""
        return asked.get("date") or local_date(self.at)


# --- Organisation -------------------------------------------------------------------------------------------------


class UnitPartAnswer(Answer):
    id = serializers.UUIDField()
    hsa_id = serializers.CharField()
    name = serializers.CharField()


class PlaceAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=PlaceKind.values)
    ward = serializers.UUIDField(allow_null=True)
    room = serializers.UUIDField(allow_null=True)


class CareUnitAnswer(UnitPartAnswer):
    """A care unit with its parts and places."""

    short_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CareUnitKind.values)
    is_primary_care = serializers.BooleanField()
    care_area = Coded(allow_null=True)
    mvo_code = serializers.CharField()
    sends_reminders = serializers.BooleanField(help_text="Om enheten skickar SMS-påminnelser.")
    facility = UnitPartAnswer()
    care_provider = UnitPartAnswer()
    receptions = UnitPartAnswer(many=True)
    wards = UnitPartAnswer(many=True)
    branches = UnitPartAnswer(many=True)
    places = PlaceAnswer(many=True)


def _part(row):
    return {"id": str(row.pk), "hsa_id": row.hsa_id, "name": row.name}


def _unit(unit):
    return {
        **_part(unit),
        "short_name": unit.short_name,
        "kind": unit.kind,
        "is_primary_care": unit.is_primary_care,
        "care_area": coded(unit.care_area),
        "mvo_code": unit.mvo_code,
        "sends_reminders": unit.sends_reminders,
        "facility": _part(unit.facility),
        "care_provider": _part(unit.facility.care_provider),
        "receptions": [_part(row) for row in unit.receptions.all()],
        "wards": [_part(row) for row in unit.wards.all()],
        "branches": [_part(row) for row in unit.branchs.all()],
        "places": [
            {
                "id": str(row.pk),
                "name": row.name,
                "kind": row.kind,
                "ward": str(row.ward_id) if row.ward_id else None,
                "room": str(row.room_id) if row.room_id else None,
            }
            for row in unit.places.all()
        ],
    }


class CareUnits(_Catalogue):
    """GET care-units/."""

    @operation(
        "care_units_list",
        "Vårdenheter med mottagningar, avdelningar, filialer och platser",
        tag=ORGANISATION,
        query=CatalogueQuery,
        answer=page_of("CareUnitPage", CareUnitAnswer, counted=True),
        has_id=False,
    )
    def get(self, request):
        rows = (
            CareUnit.objects.valid_on(local_date(self.at))
            .select_related("facility__care_provider", "care_area")
            .prefetch_related("receptions", "wards", "branchs", "places")
            .order_by("name", "id")
        )
        return self.page(rows, self.query(CatalogueQuery), _unit)


# --- Besökstyp, orsak, tillval, problemkod -----------------------------------------------------------------------------


def _unit_of(asked):
    """The care unit that is asked about, or None. Raises InputError where there is no such unit."""
    unit = CareUnit.objects.filter(pk=asked["care_unit"]).first() if "care_unit" in asked else None
    if "care_unit" in asked and unit is None:
        raise InputError(care_unit="Vårdenheten finns inte.")
    return unit


class VisitTypeQuery(CatalogueQuery):
    """Filters of visit types."""

    care_unit = Id(required=False, help_text="Bara besökstyper i vårdenhetens vårdområde.")
    search = Text(required=False, max_length=100)
    date = Day(required=False)


class VisitTypeAnswer(Coded):
    """Besökstyp (BT-01)."""

    care_area = Coded()
    profession = Coded()
    visit_kind = Coded()
    new_or_return = serializers.CharField()
    contact_form = serializers.CharField()
    requires_place = serializers.BooleanField()
    is_diagnostic = serializers.BooleanField()
    default_minutes = serializers.IntegerField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)


def _visit_type(row):
    return {
        **coded(row),
        "care_area": coded(row.care_area),
        "profession": coded(row.profession),
        "visit_kind": coded(row.visit_kind),
        "new_or_return": row.new_or_return,
        "contact_form": row.contact_form,
        "requires_place": row.requires_place,
        "is_diagnostic": row.is_diagnostic,
        "default_minutes": row.default_minutes,
        "valid_from": day(row.valid_from),
        "valid_to": day(row.valid_to),
    }


class VisitTypes(_Catalogue):
    """GET visit-types/."""

    @operation(
        "visit_types_list",
        "Besökstyper",
        tag=TAG,
        query=VisitTypeQuery,
        answer=page_of("VisitTypePage", VisitTypeAnswer, counted=True),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(VisitTypeQuery)
        rows = VisitType.objects.valid_on(self.day(asked)).select_related("care_area", "profession", "visit_kind")
        if unit := _unit_of(asked):
            rows = rows.filter(care_area_id=unit.care_area_id)
        if text := asked.get("search"):
            rows = rows.filter(name__icontains=text)
        return self.page(rows.order_by("name", "id"), asked, _visit_type)


class ContactReasonQuery(CatalogueQuery):
    """Filters of contact reasons."""

    visit_type = Text(
        required=False, max_length=120, help_text="Besökstypens kod: bara orsaker som kan väljas för den (VO-02)."
    )
    search = Text(required=False, max_length=100)
    date = Day(required=False)


class ContactReasonAnswer(Coded):
    """Vårdkontaktsorsak (VO-01)."""

    alias = serializers.CharField()
    is_unspecified = serializers.BooleanField()
    is_psychiatry_only = serializers.BooleanField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)


def _contact_reason(row):
    return {
        **coded(row),
        "alias": row.alias,
        "is_unspecified": row.is_unspecified,
        "is_psychiatry_only": row.is_psychiatry_only,
        "valid_from": day(row.valid_from),
        "valid_to": day(row.valid_to),
    }


class ContactReasons(_Catalogue):
    """GET contact-reasons/?visit_type=."""

    @operation(
        "contact_reasons_list",
        "Vårdkontaktsorsaker, också för en besökstyp",
        tag=TAG,
        query=ContactReasonQuery,
        answer=page_of("ContactReasonPage", ContactReasonAnswer, counted=True),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(ContactReasonQuery)
        on = self.day(asked)
        rows = ContactReason.objects.valid_on(on)
        if code := asked.get("visit_type"):
            visit_type = VisitType.objects.filter(code=code).first()
            if visit_type is None:
                raise InputError(visit_type="Besökstypen finns inte. Välj en kod ur visit-types.")
            rows = ContactReason.objects.offered_for(visit_type, on)
        if text := asked.get("search"):
            rows = rows.filter(Q(name__icontains=text) | Q(alias__icontains=text))
        return self.page(rows.order_by("name", "id"), asked, _contact_reason)


class AddOnAnswer(Coded):
    """Tillval (KA-02)."""

    category = Coded()


class AddOns(_Catalogue):
    """GET add-ons/."""

    @operation(
        "add_ons_list",
        "Tillval",
        tag=TAG,
        query=CatalogueQuery,
        answer=page_of("AddOnPage", AddOnAnswer, counted=True),
        has_id=False,
    )
    def get(self, request):
        rows = AddOn.objects.valid_on(local_date(self.at)).select_related("category").order_by("name", "id")
        return self.page(rows, self.query(CatalogueQuery), lambda row: coded(row) | {"category": coded(row.category)})


class ProblemCodeQuery(CatalogueQuery):
    """Filters of problem codes."""

    care_unit = Id(
        required=False, help_text="Bara problemkoder som vårdenheten kan välja: dess specialiteters (VA-01)."
    )


class ProblemCodeAnswer(Coded):
    """Regional problemkod (VA-01)."""

    speciality = serializers.CharField()


class ProblemCodes(_Catalogue):
    """GET problem-codes/: what a vårdåtagande and an accepted remiss name."""

    @operation(
        "problem_codes_list",
        "Problemkoder",
        tag=TAG,
        query=ProblemCodeQuery,
        answer=page_of("ProblemCodePage", ProblemCodeAnswer, counted=True),
        has_id=False,
    )
    def get(self, request):
        asked, on = self.query(ProblemCodeQuery), local_date(self.at)
        unit = _unit_of(asked)
        rows = ProblemCode.objects.for_unit(unit, on) if unit else ProblemCode.objects.valid_on(on)
        return self.page(rows.order_by("name", "id"), asked, lambda row: coded(row) | {"speciality": row.speciality})
