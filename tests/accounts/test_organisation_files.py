"""The organisation, its places and people out and in as files: told by HSA-id, never taken away (KA-03, PL-25, VH-09)."""

import pytest
from django.urls import reverse

from sdv.accounts.administration import site
from sdv.accounts.models import Practitioner, Profession
from sdv.common.catalogues import CatalogueError
from sdv.organisation.models import CareUnit, Facility, Place, SharedList, SharedListUnit, Ward
from tests import factories
from tests.clinic import DAY, NOW, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


def file_of(model):
    reverse("admin:index")
    return site._registry[model].file_import


def lines(head, *rows):
    return "\n".join([head, *rows]) + "\n"


def read(model, text):
    catalogue = file_of(model)
    found = catalogue.compared(text, on=TODAY)
    catalogue.take_effect(text=text, fingerprint=found.fingerprint, by=None, at=NOW)
    return len(found.added), len(found.changed), len(found.ended), len(found.left), found.same


@pytest.fixture
def units():
    facility = factories.FacilityFactory()
    return [factories.CareUnitFactory(name=f"Enhet {number}", facility=facility) for number in (1, 2)]


def test_a_unit_is_known_by_its_hsa_id_and_keeps_its_kind(units):
    """VH-07: what it is called and whose problemkoder it has is changed; one of the vårdinrättning that is gone ends and
    stays."""
    one, other = units
    elsewhere = factories.CareUnitFactory(facility=factories.FacilityFactory())
    head, *rows = file_of(CareUnit).written().removeprefix("\ufeff").splitlines()
    assert head == (
        "hsa_id;namn;kort_namn;vardinrattning;slag;vardomrade;mvo;specialiteter;overbokning_tillaten;sms_paminnelser"
        ";giltig_fran;giltig_till"
    )
    (row,) = [row for row in rows if row.startswith(f"{one.hsa_id};")]
    assert f";{one.facility.hsa_id};{one.kind};" in row
    cells = row.split(";")
    cells[1], cells[7], cells[8] = "Enhet Ett", "Hud, Öron", "ja"
    assert read(CareUnit, lines(head, ";".join(cells))) == (0, 1, 1, 0, 0)
    one.refresh_from_db(), other.refresh_from_db(), elsewhere.refresh_from_db()
    assert (one.name, one.specialities, one.allows_overbooking, one.valid_to) == (
        "Enhet Ett",
        ["Hud", "Öron"],
        True,
        None,
    )
    assert (other.valid_to, elsewhere.valid_to) == (TODAY - DAY, None)
    cells[4] = "akutmottagning"
    with pytest.raises(CatalogueError, match=r"Rad 2: slag: .* → akutmottagning. Det ändras inte på en rad som finns"):
        read(CareUnit, lines(head, ";".join(cells)))
    with pytest.raises(CatalogueError, match="Rad 2: vardinrattning: ”SE-INGEN” är inte känt"):
        read(CareUnit, lines(head, ";".join([*cells[:3], "SE-INGEN", *cells[4:]])))


def test_beds_are_read_in_with_the_room_that_holds_them(units):
    """VH-09: names are a unit's own; a new room stands before what is in it, and what is there already can move into it."""
    one, other = units
    for unit in units:
        room = Place.objects.create(care_unit=unit, kind="room", name="Sal 1")
        Place.objects.create(care_unit=unit, kind="bed", name="A säng", room=room)
    head, *rows = file_of(Place).written().removeprefix("\ufeff").splitlines()
    assert head == "vardenhet;namn;slag;avdelning;i_rum;giltig_fran;giltig_till"
    assert f"{one.hsa_id};A säng;bed;;{one.hsa_id} Sal 1;;" in rows
    assert [row.split(";")[1] for row in rows] == ["Sal 1", "Sal 1", "A säng", "A säng"]
    moved = [row.replace(f"{other.hsa_id} Sal 1", f"{other.hsa_id} Sal 2") for row in rows]
    new = [f"{other.hsa_id};Sal 2;room;;;;", *moved, f"{other.hsa_id};B säng;bed;;{other.hsa_id} Sal 2;;"]
    assert read(Place, lines(head, *new)) == (2, 1, 0, 0, 3)
    assert list(Place.objects.filter(kind="bed").order_by("care_unit__name", "name").values_list("name", "room__name")) == [
        ("A säng", "Sal 1"),
        ("A säng", "Sal 2"),
        ("B säng", "Sal 2"),
    ]  # fmt: skip
    before = list(Place.objects.values())
    for wrong, said in (
        (f"{one.hsa_id};C säng;bed;;{one.hsa_id} Sal 9;;", "i_rum: ”.* Sal 9” är inte känt"),
        (f"{one.hsa_id};Sal 3;room;;{one.hsa_id} Sal 1;;", "Ett rum kan inte ligga i ett annat rum"),
        (f"{one.hsa_id};C säng;bed;;{one.hsa_id} A säng;;", "i_rum: "),
        (f"{one.hsa_id};C säng;bed;;;2027-01-02;2027-01-01", "Sista dagen ska inte ligga före den första"),
    ):
        with pytest.raises(CatalogueError, match=f"Rad 8: .*{said}"):
            read(Place, lines(head, *new, wrong))
    assert list(Place.objects.values()) == before


def test_everything_comes_back_into_an_empty_region(units):
    """KA-03: what went out is enough to make it anew, in the order of the organisation."""
    factories.WardFactory(care_unit=units[0])
    room = Place.objects.create(care_unit=units[0], kind="room", name="Sal 1")
    Place.objects.create(care_unit=units[0], kind="bed", name="Säng 1", room=room)
    SharedListUnit.objects.create(shared_list=SharedList.objects.create(name="-Hud"), care_unit=units[1])
    order = [Facility, CareUnit, Ward, Place, SharedList, SharedListUnit]
    written = {model: file_of(model).written() for model in order}
    for model in reversed(order):
        model.objects.all()._raw_delete(model.objects.db)
    for model in order:
        count = written[model].count("\n") - 1
        assert count and read(model, written[model]) == (count, 0, 0, 0, 0)
        assert file_of(model).written() == written[model]


def test_a_unit_leaves_a_shared_list_by_the_file_and_other_lists_are_left_alone(units):
    """PL-25."""
    lists = [SharedList.objects.create(name=name) for name in ("Hud", "Öron")]
    for each in lists:
        for unit in units:
            SharedListUnit.objects.create(shared_list=each, care_unit=unit)
    text = lines("delad_vantelista;vardenhet", f"Hud;{units[0].hsa_id}")
    assert read(SharedListUnit, text) == (0, 0, 1, 0, 1)
    assert units[0].sharing_ids(TODAY) == units[1].sharing_ids(TODAY) == {unit.pk for unit in units}
    assert list(lists[0].units.values_list("care_unit", flat=True)) == [units[0].pk]
    assert lists[1].units.count() == 2
    with pytest.raises(CatalogueError, match="delad_vantelista: ”Ögon” är inte känt"):
        read(SharedListUnit, lines("delad_vantelista;vardenhet", f"Ögon;{units[0].hsa_id}"))


def test_a_file_of_medarbetare_ties_no_account_and_takes_nobody_away(units):
    """BT-01: it is the whole of the yrkeskategorier it names; who logs in as whom is tied by hand, and told in no file."""
    user = factories.UserFactory(username="hemlig", has_protected_data=True)
    kept = factories.ResourceFactory(care_unit=units[0]).practitioner
    Practitioner.objects.filter(pk=kept.pk).update(user=user)
    other = Profession.objects.exclude(pk=kept.profession_id).first()
    text = file_of(Practitioner).written()
    assert text.startswith("\ufeffhsa_id;fornamn;efternamn;yrkeskategori;titel\r\n")
    assert "hemlig" not in text
    new = lines("hsa_id;fornamn;efternamn;yrkeskategori;titel", f"SE-NY;Nils;Ny;{kept.profession.code};")
    assert read(Practitioner, new) == (1, 0, 0, 1, 0)
    assert Practitioner.objects.get(hsa_id="SE-NY").user is None
    moved = lines("hsa_id;fornamn;efternamn;yrkeskategori;titel", f"{kept.hsa_id};Anna;Ny;{other.code};Chef")
    assert read(Practitioner, moved) == (0, 1, 0, 0, 0)
    kept.refresh_from_db()
    assert (kept.given_name, kept.profession, kept.title, kept.user) == ("Anna", other, "Chef", user)
