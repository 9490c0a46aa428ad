"""Resources and their extra times out and in as files: whom a change hits is told first, and then stands in Ombokningar
(BO-01, PL-02)."""

from datetime import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from scheduling.actions import hours_file
from scheduling.models import ExtraHours, RebookingItem, Resource, WeeklyHours
from sdv.accounts.administration import site
from sdv.accounts.permissions import Role
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import Place
from tests import factories
from tests.clinic import DAY, NOW, TODAY, Clinic
from tests.desk.signed_in import signed_in

DAY_HEAD = ";".join(hours_file.DAYS.headings)
HEAD = "vardenhet;namn;slag;medarbetare;plats;giltig_fran;giltig_till"
MONDAY = TODAY + 3 * DAY


@pytest.fixture
def resources():
    reverse("admin:index")
    return site._registry[Resource].more_files["resurser"]


def read(catalogue, text, by=None):
    found = catalogue.compared(text, on=TODAY)
    catalogue.take_effect(text=text, fingerprint=found.fingerprint, by=by, at=NOW)
    return found


def counts(found):
    return len(found.added), len(found.changed), len(found.ended), len(found.left), found.same


def listed():
    return set(RebookingItem.objects.open().values_list("appointment", "resource"))


# --- Resources ----------------------------------------------------------------------------------------------------------


def line(resource, days=";", name=None):
    practitioner = resource.practitioner.hsa_id if resource.practitioner else ""
    place = f"{resource.place.care_unit.hsa_id} {resource.place.name}" if resource.place else ""
    unit = resource.care_unit.hsa_id
    return f"{unit};{name or resource.name};{resource.kind};{practitioner};{place};{days}"


def of(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def test_a_last_day_by_the_file_tells_whom_it_hits_and_puts_them_on_ombokningar(resources, health_centre):
    """PL-02: nothing before the yes; given back, they leave Ombokningar. Resources of other units are left alone."""
    nurse, doctor = health_centre.nurse_resource, health_centre.doctor_resource
    other = Clinic(name="Hudmottagningen")
    hit = health_centre.book(health_centre.patient(), NOW + 3 * DAY)
    text = of(line(nurse, f";{TODAY}"), line(doctor))
    assert line(nurse) in resources.written() and line(other.nurse_resource) in resources.written()
    found = resources.compared(text, on=TODAY)
    assert counts(found) == (0, 1, 0, 0, 1)
    assert [str(part) for part in found.changed[0]] == [
        f"Sara Norén ({health_centre.unit.hsa_id}, Sara Norén)",
        "giltig_till: tomt → 2026-11-20",
    ]
    assert found.told.startswith("Bokade besök från i dag som inte längre ryms: 1.")
    assert (listed(), Resource.objects.filter(valid_to__isnull=False).count()) == (set(), 0)
    resources.take_effect(text=text, fingerprint=found.fingerprint, by=health_centre.doctor, at=NOW)
    nurse.refresh_from_db()
    assert (nurse.valid_to, listed()) == (TODAY, {(hit.pk, nurse.pk)})
    back = read(resources, of(line(nurse), line(doctor)), by=health_centre.doctor)
    nurse.refresh_from_db()
    assert (back.told, nurse.valid_to, listed()) == ("", None, set())


def test_a_resource_that_is_gone_from_the_file_ends_and_is_not_taken_away(resources, health_centre):
    """BO-01: of the units that it names; a booked visit goes to Ombokningar as by any last day."""
    nurse = health_centre.nurse_resource
    hit = health_centre.book(health_centre.patient(), NOW + 3 * DAY)
    other = Clinic(name="Hudmottagningen")
    found = read(resources, of(line(health_centre.doctor_resource)), by=health_centre.doctor)
    assert counts(found) == (0, 0, 1, 0, 1)
    assert str(found.ended[0]) == f"Sara Norén ({health_centre.unit.hsa_id}, Sara Norén), till 2026-11-19"
    nurse.refresh_from_db()
    assert (nurse.valid_to, listed()) == (TODAY - DAY, {(hit.pk, nurse.pk)})
    assert Resource.objects.filter(care_unit=other.unit, valid_to=None).count() == 2


def test_a_room_is_added_with_its_place_and_what_is_fixed_stays(resources, health_centre):
    """BO-01: whose a resource is, and what it is, is set once; what a model refuses is said with its line."""
    nurse, doctor, unit = health_centre.nurse_resource, health_centre.doctor_resource, health_centre.unit
    place = Place.objects.create(care_unit=unit, kind="room", name="Rum 3")
    both = (line(nurse), line(doctor))
    room = f"{unit.hsa_id};Rum 3;room;;{unit.hsa_id} Rum 3;2027-01-01;"
    assert counts(read(resources, of(*both, room))) == (1, 0, 0, 0, 2)
    made = Resource.objects.get(name="Rum 3")
    assert (made.kind, made.place, made.practitioner, str(made.valid_from)) == ("room", place, None, "2027-01-01")
    assert counts(read(resources, resources.written())) == (0, 0, 0, 0, Resource.objects.count())
    before, logged = list(Resource.objects.values()), ChangeLogEntry.objects.count()
    for wrong, said in (
        (line(nurse).replace(";person;", ";room;"), "slag: person → room. Det ändras inte på en rad som finns"),
        (f"{unit.hsa_id};Ny;person;;;;", "En personresurs hör till en medarbetare"),
        (f"{unit.hsa_id};Ny;room;;{unit.hsa_id} Rum 4;;", "plats: ”.* Rum 4” är inte känt"),
        (f"{unit.hsa_id};Ny;robot;;;;", "slag: ”robot” är inte känt. Kända: person, room, equipment"),
        (f"{unit.hsa_id};Ny;room;;;2027-01-02;2027-01-01", "Sista dagen ska inte ligga före den första"),
    ):
        with pytest.raises(CatalogueError, match=f"^Rad 2: .*{said}"):
            resources.compared(of(wrong, line(doctor), room), on=TODAY)
    assert (list(Resource.objects.values()), ChangeLogEntry.objects.count()) == (before, logged)


def test_of_two_resource_files_the_second_saw_another_list(resources, health_centre):
    """BO-01: what takes effect is what was seen."""
    text = of(line(health_centre.nurse_resource, f";{TODAY}"), line(health_centre.doctor_resource))
    seen = resources.compared(text, on=TODAY).fingerprint
    resources.take_effect(text=text, fingerprint=seen, by=health_centre.doctor, at=NOW)
    with pytest.raises(RuleError) as refused:
        resources.take_effect(text=text, fingerprint=seen, by=health_centre.doctor, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("BO-01", "another_list")


# --- Extra times --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clinic(health_centre):
    """The nurse has extra times on Monday in the week's place, on Tuesday beside it, and had some yesterday."""
    WeeklyHours.objects.filter(resource=health_centre.nurse_resource).delete()
    for day, replaces_week in ((TODAY - DAY, False), (MONDAY, True), (MONDAY + DAY, False)):
        ExtraHours.objects.create(
            resource=health_centre.nurse_resource,
            day=day,
            from_time=time(8),
            to_time=time(12),
            slot_minutes=30,
            replaces_week=replaces_week,
        )
    return health_centre


def extra(clinic, rest, name="Sara Norén"):
    return f"{clinic.unit.hsa_id};{name};{rest}"


def days(clinic):
    rows = ExtraHours.objects.filter(resource=clinic.nurse_resource).order_by("day", "from_time")
    return [(row.day, f"{row.from_time:%H}-{row.to_time:%H}", row.slot_minutes, row.replaces_week) for row in rows]


def test_the_file_is_the_whole_of_the_days_it_names(clinic):
    """BO-01, PL-02: what it no longer has of a day goes, whom that hits stands in Ombokningar; days that have been and days
    that it does not name are as they were."""
    nurse, by = clinic.nurse_resource, clinic.doctor
    hit = clinic.book(clinic.patient(), NOW + 3 * DAY)  # Monday 09:00
    written = hours_file.DAYS.written(on=TODAY)
    assert written.splitlines()[1:] == [
        extra(clinic, f"{MONDAY};08:00;12:00;30;;ja"),
        extra(clinic, f"{MONDAY + DAY};08:00;12:00;30;;nej"),
    ]
    again = hours_file.DAYS.compared(written, on=TODAY)
    assert (counts(again), again.told) == ((0, 0, 0, 0, 2), "")
    code = clinic.nurse_visit.code
    text = of(extra(clinic, f"{MONDAY};13:00;16:00;20;{code};ja"), head=DAY_HEAD)
    before, logged = days(clinic), ChangeLogEntry.objects.count()
    found = hours_file.DAYS.compared(text, on=TODAY)
    assert counts(found) == (1, 0, 1, 1, 0)
    assert found.ended == ("Sara Norén, 2026-11-23 08:00–12:00, tas bort",)
    assert found.left == (
        ("Sara Norén, 2026-11-24 08:00–12:00", "dagen nämns inte i filen; ta bort tiderna i tidboken"),
    )
    assert found.told.startswith("Bokade besök från i dag som inte längre ryms: 1.")
    assert (days(clinic), listed(), ChangeLogEntry.objects.count()) == (before, set(), logged)
    hours_file.DAYS.take_effect(text=text, fingerprint=found.fingerprint, by=by, at=NOW)
    assert days(clinic) == [before[0], (MONDAY, "13-16", 20, True), before[2]]
    assert listed() == {(hit.pk, nurse.pk)}
    made = ExtraHours.objects.get(day=MONDAY)
    assert (made.created_by, list(made.visit_types.all())) == (by, [clinic.nurse_visit])
    with pytest.raises(RuleError) as refused:
        hours_file.DAYS.take_effect(text=text, fingerprint=found.fingerprint, by=by, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("BO-01", "another_list")
    both = of(
        extra(clinic, f"{MONDAY};08:00;13:00;30;;ja"),
        extra(clinic, f"{MONDAY};13:00;16:00;20;{code};nej"),
        head=DAY_HEAD,
    )
    back = read(hours_file.DAYS, both, by=by)
    assert (counts(back), listed()) == ((1, 1, 0, 1, 0), set())
    assert back.changed == (("Sara Norén, 2026-11-23 13:00–16:00", "i_stallet_for_veckan: ja → nej"),)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (f"{TODAY - DAY};08:00;13:00;30;;nej", "Rad 2: dag: 2026-11-19 har passerat. Ange i dag eller en senare dag."),
        (f"{TODAY - DAY};14:00;15:00;30;;nej", "Rad 2: dag: 2026-11-19 har passerat."),
        ("i morgon;08:00;12:00;30;;nej", "Rad 2: dag: ”i morgon” är inget datum"),
        (f"{MONDAY};12:00;08:00;30;;nej", "Rad 2: .*sluta efter att den börjat"),
        (f"{MONDAY};08:00;12:00+01:00;30;;nej", "Rad 2: till: .* är inget klockslag"),
        (f"{MONDAY};08:00;12:00;2;;nej", "Rad 2: .*mellan 5 och 600 minuter"),
        (f"{MONDAY};08:00;12:00;30;okand;nej", "Rad 2: besokstyper: ”okand” är inte känt"),
        (f"{MONDAY};08:00;12:00;30;;kanske", "i_stallet_for_veckan: ”kanske” är varken ja eller nej"),
        (f"{MONDAY};08:00;12:00;30;nej", "Rad 2: 7 värden, väntade 8"),
        (f"{MONDAY};07:00;09:00;30;;nej\n{{}}{MONDAY};08:00;12:00;30;;nej", "som gäller samtidigt"),
        (f"{MONDAY};08:00;12:00;30;;nej\n{{}}{MONDAY};08:00;11:00;30;;nej", "Rad 3: raden står två gånger"),
    ],
)
def test_extra_times_that_cannot_be_are_said_with_their_line(clinic, rest, said):
    """BO-01: a tidbok has a time once, also a day's own; nothing is read in."""
    before = days(clinic)
    with pytest.raises(CatalogueError, match=said):
        hours_file.DAYS.compared(of(extra(clinic, rest.format(extra(clinic, ""))), head=DAY_HEAD), on=TODAY)
    assert days(clinic) == before


def test_a_line_of_a_day_that_has_been_is_let_be_when_it_says_what_was(clinic):
    """BO-01: a file that went out yesterday can come in today."""
    text = of(extra(clinic, f"{TODAY - DAY};08:00;12:00;30;;nej"), head=DAY_HEAD)
    assert counts(hours_file.DAYS.compared(text, on=TODAY)) == (0, 0, 0, 2, 1)


# --- The doors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "extra-tider", "resurser"])
def test_each_file_of_a_changelist_has_its_own_way_out_and_in(clinic, key):
    """BO-01: for those who maintain all units' alone; the coordinator's list says nothing of it."""
    name = f"admin:scheduling_resource_{key}_" if key else "admin:scheduling_resource_"
    client = signed_in(clinic.staff(Role.CATALOGUE_ADMIN))
    listed_page = client.get(reverse("admin:scheduling_resource_changelist")).content.decode()
    addresses = [reverse(f"{name}{does}") for does in ("import", "export")]
    assert all(f'href="{address}"' in listed_page for address in addresses)
    content = client.get(addresses[1]).content
    page = client.post(addresses[0], {"file": SimpleUploadedFile("lista.csv", content)}).content.decode()
    assert "0 nya, 0 ändrade, 0 upphör," in page
    mark = page.split('name="fingerprint" value="')[1].split('"')[0]
    answer = client.post(addresses[0], {"rows": content.decode("utf-8-sig"), "fingerprint": mark})
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:scheduling_resource_changelist"))
    coordinator = signed_in(factories.staff(Role.COORDINATOR, clinic.unit))
    assert [coordinator.get(address).status_code for address in addresses] == [403, 403]
    own = coordinator.get(reverse("admin:scheduling_resource_changelist")).content.decode()
    assert not any(address in own for address in addresses)
