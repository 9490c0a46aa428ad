"""A change by hand in the administration is seen before it takes effect: what changes, what uses the row, what it means."""

from datetime import timedelta

import pytest
from django import forms
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import sdv.urls  # noqa: F401  each app's administration is registered by it
from registration.models import (
    AddOn,
    AddOnCategory,
    ContactReason,
    Encounter,
    FeeRate,
    ProblemCode,
    Referral,
    VisitType,
    VisitTypeReason,
)
from scheduling.models import LetterText, WeeklyHours
from sdv.accounts import row_usage
from sdv.accounts.actor import Actor
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.accounts.models import Profession, User
from sdv.accounts.permissions import Role
from sdv.common.models import ChangeLogEntry
from sdv.common.time import local_date, now
from tests import factories
from tests.desk.signed_in import signed_in
from tests.forms import fields, save

from .test_admin import address, form_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def unit():
    return factories.CareUnitFactory()


@pytest.fixture
def person(unit):
    return factories.staff(Role.CATALOGUE_ADMIN, unit)


@pytest.fixture
def client(person):
    return signed_in(person)


def opened(client, row):
    """The row's page and what its form would send unchanged."""
    page = address(type(row), "change", row.pk)
    return page, form_of(client.get(page))


def told(answer):
    """The table of what changes."""
    return [(line.what, line.before, line.after) for line in answer.context["lines"]]


def test_what_changes_is_shown_first_and_takes_effect_at_a_yes(client):
    """Yes and no, choices, relations and days, in the administration's words; until the yes nothing has changed."""
    row = VisitType.objects.get(name="Pv Ssk Återbesök")
    page, values = opened(client, row)
    logged = ChangeLogEntry.objects.count(), LogEntry.objects.count()
    answer = client.post(
        page,
        values | {"requires_place": "on", "contact_form": "phone", "default_minutes": "45", "valid_to": "2027-06-30"},
    )
    assert answer.status_code == 200
    assert told(answer) == [
        ("Giltig till", "tomt", "2027-06-30"),
        ("Form av kontakt", "Fysiskt", "Telefon"),
        ("Kräver rum, säng eller stol", "nej", "ja"),
        ("Vanlig längd i minuter", str(row.default_minutes), "45"),
    ]
    html = answer.content.decode()
    assert "Inget är sparat än." in html
    assert list(answer.context["messages"]) == []
    assert "Går att välja till och med 2027-06-30, inte från 2027-07-01." in html
    assert (ChangeLogEntry.objects.count(), LogEntry.objects.count()) == logged
    row.refresh_from_db()
    assert (row.valid_to, row.requires_place) == (None, False)

    done = client.post(page, fields(html), follow=True)
    assert [message.level_tag for message in done.context["messages"]] == ["success"]
    row.refresh_from_db()
    assert (str(row.valid_to), row.requires_place, row.contact_form, row.default_minutes) == (
        "2027-06-30", True, "phone", 45
    )  # fmt: skip
    assert LogEntry.objects.count() == logged[1] + 1


def test_rows_below_are_told_as_they_are_added_changed_and_taken_away(client):
    category = AddOnCategory.objects.first()
    row = AddOn.objects.filter(category=category).first()
    page, values = opened(client, category)
    (mine,) = [name[:-3] for name, value in values.items() if name.endswith("-id") and value == row.pk]
    total = int(values["add_ons-TOTAL_FORMS"])
    new = {f"add_ons-{total}-code": "prov", f"add_ons-{total}-name": "Prov", f"add_ons-{total}-category": category.pk}
    answer = client.post(page, values | {f"{mine}-name": "Annat"} | new | {"add_ons-TOTAL_FORMS": total + 1})
    assert told(answer) == [
        (f"Tillval {row.name}: benämning", row.name, "Annat"),
        ("Tillval, ny", "–", "kod: prov; benämning: Prov"),
    ]
    reason = ContactReason.objects.get(name="minne")
    link = reason.visit_type_links.select_related("visit_type").get()
    page, values = opened(client, reason)
    answer = client.post(page, values | {"visit_type_links-0-DELETE": "on"})
    assert told(answer) == [
        ("Koppling till besökstyp, tas bort", f"besökstyp: {link.visit_type}; källa: {link.source}", "–")
    ]
    assert VisitTypeReason.objects.filter(pk=link.pk).exists()
    assert client.post(page, fields(answer.content.decode())).status_code == 302
    assert not VisitTypeReason.objects.filter(pk=link.pk).exists()


def test_many_chosen_are_told_as_added_and_taken_away(unit):
    """A tidbok's hours name the besökstyper they are for."""
    client = signed_in(factories.staff(Role.COORDINATOR, unit))
    resource = factories.ResourceFactory(care_unit=unit)
    hours = WeeklyHours.objects.filter(resource=resource).earliest("weekday", "from_time")
    was, becomes = VisitType.objects.all()[:2]
    hours.visit_types.set([was])
    page, values = opened(client, resource)
    (mine,) = [name[:-3] for name, value in values.items() if name.endswith("-id") and value == hours.pk]
    answer = client.post(page, values | {f"{mine}-visit_types": [str(becomes.pk)]})
    assert [line[1:] for line in told(answer)] == [(f"tas bort: {was}", f"läggs till: {becomes}")]
    assert told(answer)[0][0].endswith(": besökstyper") and "object" not in told(answer)[0][0]
    assert client.post(page, fields(answer.content.decode())).status_code == 302
    assert list(hours.visit_types.all()) == [becomes]


def test_nothing_changed_is_said_and_asks_nothing(client):
    row = ProblemCode.objects.first()
    page, values = opened(client, row)
    answer = client.post(page, values, follow=True)
    assert answer.redirect_chain == [(address(ProblemCode, "changelist"), 302)]
    assert [str(message) for message in answer.context["messages"]] == ["Inget är ändrat: allt står redan så."]
    assert not LogEntry.objects.exists()


def test_what_is_wrong_comes_first(client):
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    answer = client.post(page, values | {"valid_from": "2027-02-01", "valid_to": "2027-01-01"})
    assert answer.status_code == 200 and "lines" not in answer.context
    assert "Sista dagen ska inte ligga före den första." in answer.content.decode()


def test_to_change_more_gives_the_form_back_with_what_was_written(client):
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    shown = fields(client.post(page, values | {"alias": "glömska", "_continue": "1"}).content.decode())
    again = client.post(page, shown | {"_more": "1"})
    assert again.status_code == 200 and "lines" not in again.context
    assert "errornote" not in again.content.decode()
    kept = form_of(again)
    assert (kept["alias"], kept["_seen"]) == ("glömska", values["_seen"])
    row.refresh_from_db()
    assert row.alias == ""
    assert told(client.post(page, kept)) == [("Kallas även", "tomt", "glömska")]


@pytest.mark.parametrize(
    ("button", "leads"), [("_save", "changelist"), ("_continue", "change"), ("_addanother", "add")]
)
def test_each_button_leads_where_it_leads(client, button, leads):
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    answer = save(client, page, values | {"alias": "glömska", button: "1"})
    expected = address(ContactReason, leads, *([row.pk] if leads == "change" else []))
    assert (answer.status_code, answer["Location"]) == (302, expected)


def test_a_row_changed_in_a_window_of_its_own_is_seen_first_too(client):
    """Beside a choice, the administration opens the chosen row to be changed."""
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    answer = save(client, page + "?_popup=1", values | {"alias": "glömska", "_popup": "1"})
    assert answer.status_code == 200 and "data-popup-response" in answer.content.decode()
    row.refresh_from_db()
    assert row.alias == "glömska"


def test_whoever_comes_second_is_told_and_nothing_is_saved(client, unit):
    """PL-27: who changed the row since it was opened, or since what changes was seen; with a file, only that it was."""
    other = factories.staff(Role.CATALOGUE_ADMIN, unit)
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    preview = fields(client.post(page, values | {"alias": "min"}).content.decode())
    theirs = signed_in(other)
    assert save(theirs, page, opened(theirs, row)[1] | {"alias": "deras"}).status_code == 302
    for sent in (values | {"alias": "min"}, preview):
        late = client.post(page, sent)
        assert late.status_code == 409 and f"Ändrad av {other.name}" in late.content.decode()
    row.refresh_from_db()
    assert row.alias == "deras"

    page, values = opened(client, row)
    ContactReason.objects.filter(pk=row.pk).update(alias="filens")
    late = client.post(page, values | {"alias": "min"})
    assert late.status_code == 409 and "Uppgifterna har ändrats sedan du öppnade dem." in late.content.decode()
    row.refresh_from_db()
    assert row.alias == "filens"


def test_a_row_below_changed_elsewhere_is_a_change_of_the_row(client):
    """PL-27: a link is changed from the besökstyp too."""
    reason = ContactReason.objects.get(name="minne")
    page, values = opened(client, reason)
    reason.visit_type_links.update(source="någon annans")
    assert client.post(page, values | {"alias": "min"}).status_code == 409
    reason.refresh_from_db()
    assert reason.alias == ""


def test_ones_own_repeated_yes_does_nothing_and_says_nothing(client):
    """PL-27."""
    reason = ContactReason.objects.get(name="minne")
    other = VisitType.objects.exclude(reason_links__contact_reason=reason).first()
    page, values = opened(client, reason)
    count = int(values["visit_type_links-TOTAL_FORMS"])
    values |= {
        "visit_type_links-TOTAL_FORMS": count + 1,
        f"visit_type_links-{count}-visit_type": other.pk,
        f"visit_type_links-{count}-contact_reason": reason.pk,
    }
    yes = fields(client.post(page, values).content.decode())
    assert client.post(page, yes).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200
    again = client.post(page, yes, follow=True)
    assert again.redirect_chain == [(address(ContactReason, "changelist"), 302)]
    assert list(again.context["messages"]) == []
    assert (reason.visit_type_links.count(), LogEntry.objects.count()) == (count + 1, 1)


def test_a_yes_to_something_else_than_was_seen_changes_nothing(client):
    """PL-27: what takes effect is what was seen."""
    row = ContactReason.objects.get(name="minne")
    page, values = opened(client, row)
    yes = fields(client.post(page, values | {"alias": "sett"}).content.decode())
    assert client.post(page, yes | {"alias": "osett"}).status_code == 409
    row.refresh_from_db()
    assert (row.alias, LogEntry.objects.count()) == ("", 0)


def test_a_new_row_asks_nothing(client):
    values = form_of(client.get(address(ContactReason, "add"))) | {"code": "ny", "name": "ny"}
    assert client.post(address(ContactReason, "add"), values).status_code == 302
    assert ContactReason.objects.filter(code="ny").exists()


def test_a_new_password_is_carried_by_no_page(client):
    """It is saved at once; without one a person's row is seen first as any other."""
    other = factories.UserFactory()
    page, values = opened(client, other)
    answer = client.post(page, values | {"name": "Nytt Namn"})
    assert told(answer) == [("Namn", other.name, "Nytt Namn")]
    assert client.post(page, values | {"new_password": "korrekt häst batteri"}).status_code == 302
    other.refresh_from_db()
    assert other.check_password("korrekt häst batteri")


def test_no_page_carries_a_password_or_a_file(person):
    """A user's form says when it is not to be carried, and a brevbilaga's file is asked for where it is added alone."""
    request = RequestFactory().get("/")
    request.actor, request.user = Actor(user=person, assignments=list(person.assignments.all())), person
    found = set()
    for model, administration in site._registry.items():
        if isinstance(administration, MaintainedAdmin):
            row = model()
            asked = administration.get_fields(request, row)
            for name, field in administration.get_form(request, row, change=True).base_fields.items():
                if name in asked and isinstance(field.widget, forms.PasswordInput | forms.FileInput):
                    found.add((model, name))
    assert found == {(User, "new_password")}


# --- What uses a row ----------------------------------------------------------------------------------------------


def test_what_uses_a_row_is_told_on_its_page_and_before_a_change(client, unit):
    """By kind in the administration's words, also what is found by no index and what goes by many to many."""
    start = now() + timedelta(days=3)
    row = factories.booked_visit(care_unit=unit, start=start).encounter.visit_type
    VisitTypeReason.objects.filter(visit_type=row).delete()
    page, values = opened(client, row)
    html = client.get(page).content.decode()
    uses = row_usage.used_by(row, (VisitTypeReason,))
    assert uses[0] == "1 vårdhändelse"
    assert f"Används av {uses[0]}" in html.replace("\n", "")
    assert uses == client.post(page, values | {"default_minutes": "55"}).context["used_by"]
    hours = WeeklyHours.objects.earliest("id")
    hours.visit_types.set([row])
    assert "1 veckotid" in row_usage.used_by(row)


def test_two_ways_to_point_at_a_row_are_told_apart(unit):
    """A remiss has a sender and a receiver."""
    referral = factories.received_referral(care_unit=unit)
    Referral.objects.filter(pk=referral.pk).update(sender_unit=unit)
    told_uses = row_usage.used_by(unit)
    assert "1 remiss (vårdenhet)" in told_uses and "1 remiss (avsändande enhet)" in told_uses


def test_beyond_a_limit_it_is_many_and_no_more_is_counted(monkeypatch):
    monkeypatch.setattr(row_usage, "MOST", 1)
    profession = Profession.objects.get(abbreviation="Ssk")
    (each, count, _) = next(use for use in row_usage.counted(profession) if use[0].model is VisitType)
    assert (each.is_indexed, count) == (True, 2)
    assert any(use.startswith("fler än") and use.endswith(" besökstyper") for use in row_usage.used_by(profession))


def test_what_no_index_finds_is_looked_for_among_the_newest(monkeypatch, unit):
    first = factories.booked_visit(care_unit=unit, start=now() + timedelta(days=3)).encounter
    factories.booked_visit(care_unit=unit, start=now() + timedelta(days=4))
    monkeypatch.setattr(row_usage, "NEWEST", 1)
    found = {use[0].model._meta.model_name: use[1:] for use in row_usage.counted(first.visit_type)}
    assert found["encounter"][1] == 1


def test_the_page_and_its_preview_cost_the_same_however_much_uses_the_row(client, unit):
    """One statement for all that uses it, by index or among the newest alone."""
    page, values = opened(client, unit)

    def statements():
        with CaptureQueriesContext(connection) as shown:
            client.get(page)
        with CaptureQueriesContext(connection) as previewed:
            client.post(page, values | {"short_name": "Annat"})
        return len(shown), len(previewed), [each["sql"] for each in shown if "UNION ALL" in each["sql"]]

    first = statements()
    assert (*first[:2], len(first[2])) == (10, 23, 1)
    for day in range(1, 4):
        factories.booked_visit(care_unit=unit, start=now() + timedelta(days=day))
    assert statements()[:2] == first[:2]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + first[2][0])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan, plan


def test_what_nothing_can_point_at_tells_no_use(client):
    """A letter uses an amount by what it says: that nothing points at it would not be that nothing uses it."""
    row = FeeRate.objects.first()
    assert row_usage.used_by(row) is None
    assert "Används" not in client.get(address(FeeRate, "change", row.pk)).content.decode()


# --- What it means ------------------------------------------------------------------------------------------------


def effects_of_a_last_day(client, row, last):
    page, values = opened(client, row)
    return client.post(page, values | {"valid_to": str(last)}).context["effects"]


def test_a_last_day_tells_from_when_and_which_planned_visits_keep_the_row(client, unit):
    """Those after the day alone, and none that is cancelled."""
    start = now() + timedelta(days=5)
    row = factories.booked_visit(care_unit=unit, start=start).encounter.visit_type
    other = factories.booked_visit(care_unit=unit, start=start + timedelta(hours=2)).encounter
    assert other.visit_type == row
    Encounter.objects.filter(pk=other.pk).update(cancelled_at=now())
    day = local_date(start)
    before = day - timedelta(days=1)
    assert effects_of_a_last_day(client, row, before) == [
        f"Går att välja till och med {before}, inte från {day}. Det som redan är registrerat behåller det.",
        "Planerade besök efter sista dagen som har det och behåller det: 1.",
    ]
    assert len(effects_of_a_last_day(client, row, day)) == 1
    passed = local_date(now()) - timedelta(days=1)
    assert effects_of_a_last_day(client, row, passed)[0] == (
        f"Går inte att välja: sista dagen var {passed}. Det som redan är registrerat behåller det."
    )


def test_a_first_day_to_come_and_a_last_day_taken_away_are_told(client):
    row = ContactReason.objects.get(name="minne")
    ContactReason.objects.filter(pk=row.pk).update(valid_to="2030-01-01")
    page, values = opened(client, row)
    answer = client.post(page, values | {"valid_from": "2029-01-01", "valid_to": ""})
    assert answer.context["effects"] == [
        "Går att välja först från 2029-01-01.",
        "Utan sista dag går det att välja tills vidare.",
    ]


def test_a_problem_codes_last_day_tells_of_open_commitments(client, unit):
    commitment = factories.open_commitment(patient=factories.patient(), care_unit=unit)
    told_effects = effects_of_a_last_day(client, commitment.problem_code, "2030-01-01")
    assert told_effects[1:] == ["Öppna vårdåtaganden som har det och behåller det: 1."]


def test_a_units_last_day_tells_of_assignments_that_go_on(client, unit):
    assert effects_of_a_last_day(client, unit, "2030-01-01")[1:] == [
        "Medarbetaruppdrag på enheten som gäller längre: 1."
    ]


def test_a_version_that_nothing_follows_is_told(client):
    """PL-14, KA-03: until another takes over the day after."""
    row = FeeRate.objects.filter(valid_to=None).first()
    assert effects_of_a_last_day(client, row, "2029-12-31")[1:] == ["Ingen annan rad tar vid 2030-01-01."]
    FeeRate.objects.filter(pk=row.pk).update(valid_to="2029-05-30")
    same = {
        name: getattr(row, name) for name in ("code", "purpose", "level", "staff", "with_referral", "amount", "source")
    }
    FeeRate.objects.create(**same, valid_from="2029-06-01")
    assert effects_of_a_last_day(client, row, "2029-05-31")[1:] == []
    text = LetterText.objects.filter(valid_to=None).first()
    assert effects_of_a_last_day(client, text, "2029-12-31")[1:] == ["Ingen annan rad tar vid 2030-01-01."]
