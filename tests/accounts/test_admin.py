"""The administration: organisation, staff and catalogues for the catalogue role, logs for the reviewer, tidböcker for the
coordinator; nobody else, and nothing is deleted."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

import sdv.urls  # noqa: F401  each app's administration is registered by it
from classification import starter
from registration.models import ContactReason, VisitType, VisitTypeReason
from scheduling.models import RebookingItem, Resource, WeeklyHours
from sdv.accounts import tokens
from sdv.accounts.administration import site
from sdv.accounts.models import ApiToken, StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.common.models import ChangeLogEntry
from sdv.common.time import local_date, minute, now
from sdv.organisation.models import CareUnit
from tests import factories
from tests.forms import fields, save

pytestmark = pytest.mark.django_db

LOGS = {"accesslogentry", "changelogentry"}
SCHEDULES = {"resource"}
READ_ONLY = {
    "outboxmessage",
    "encounterclass",
    "encountertype",
    "outcome",
    "codesystem",
    "coderelease",
    "code",
    "codeimport",
    "apitoken",
}


@pytest.fixture
def unit():
    return factories.CareUnitFactory()


@pytest.fixture
def log_in(client):
    """A browser session of a user with one assignment, chosen."""

    def as_role(role, *units):
        user = factories.staff(role, *units)
        client.force_login(user)
        session = client.session
        session["assignment"] = str(user.assignments.order_by("id").first().pk)
        session.save()
        return user

    return as_role


def models():
    return sorted(site._registry, key=lambda model: model._meta.model_name)


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def names_for(*wanted):
    return [model for model in models() if model._meta.model_name in set().union(*wanted)]


def form_of(response):
    """The values that a browser would send back unchanged."""
    form = response.context["adminform"].form
    values = {"_seen": response.context["seen"]} if "seen" in response.context else {}
    for bound in [*form, *(row for formset in response.context["inline_admin_formsets"] for row in _fields(formset))]:
        value = bound.value()
        if value is True:
            values[bound.html_name] = "on"
        elif value is not None and value is not False:
            values[bound.html_name] = value
    return values


def _fields(inline):
    yield from inline.formset.management_form
    for form in inline.formset.forms:
        yield from form


@pytest.mark.parametrize("model", models(), ids=lambda model: model._meta.model_name)
def test_the_catalogue_role_sees_and_adds_what_is_its_own(client, log_in, unit, model):
    log_in(Role.CATALOGUE_ADMIN, unit)
    name = model._meta.model_name
    listed = client.get(address(model, "changelist"))
    assert listed.status_code == (403 if name in LOGS else 200)
    added = client.get(address(model, "add"))
    assert added.status_code == (403 if name in LOGS | READ_ONLY else 200)


@pytest.mark.parametrize("model", models(), ids=lambda model: model._meta.model_name)
def test_every_row_can_be_opened_and_none_deleted(client, log_in, unit, model):
    """Nothing used is ever deleted: validity dates instead."""
    if model._meta.app_label == "classification":
        starter.load()
    factories.WardFactory(), factories.ReceptionFactory(), factories.PlaceFactory(), factories.ResourceFactory()
    user = log_in(Role.CATALOGUE_ADMIN, unit)
    tokens.create(user=user)
    row = model._default_manager.first()
    if model._meta.model_name in LOGS or row is None:
        return
    opened = client.get(address(model, "change", row.pk))
    assert opened.status_code == 200
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()
    listed = client.get(address(model, "changelist")).content.decode()
    assert "delete_selected" not in listed


@pytest.mark.parametrize("role", [role for role in Role if role != Role.CATALOGUE_ADMIN])
def test_other_roles_reach_only_what_their_permissions_say(client, log_in, unit, role):
    """Logs by VIEW_ACCESS_LOG, tidböcker by MAINTAIN_SCHEDULES, the rest by MAINTAIN_CATALOGUES."""
    log_in(role, unit)
    own = {Role.AUDITOR: LOGS, Role.COORDINATOR: SCHEDULES, Role.SUPPORT: SCHEDULES}.get(role, set())
    assert client.get(reverse("admin:index"), follow=True).status_code == (200 if own else 403)
    for model in models():
        status = client.get(address(model, "changelist"), follow=True).status_code
        assert status == (200 if model._meta.model_name in own else 403), model


def test_whoever_is_not_logged_in_meets_our_own_login(client):
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("login"))


def test_patients_and_what_is_theirs_are_not_in_the_administration():
    """SK-02: they are read through the presenter, and each reading is logged."""
    shown = {model._meta.model_name for model in models()}
    assert not shown & {"patient", "patientidentity", "encounter", "appointment", "referral", "carecommitment"}


def test_a_visit_type_is_added_with_its_reasons(client, log_in, unit):
    """BT-01, VO-02."""
    user = log_in(Role.CATALOGUE_ADMIN, unit)
    blank = client.get(address(VisitType, "add"))
    some = VisitType.objects.get(name="Pv Ssk Återbesök")
    reason = ContactReason.objects.get(name="antikoagulationsbehandling")
    values = form_of(blank) | {
        "code": "pv-ssk-forskning-nybesok",
        "name": "Pv Ssk Forskning Nybesök",
        "care_area": some.care_area_id,
        "profession": some.profession_id,
        "visit_kind": _kind("Forskning").pk,
        "new_or_return": "new",
        "contact_form": "physical",
        "reason_links-TOTAL_FORMS": "1",
        "reason_links-0-contact_reason": reason.pk,
        "reason_links-0-source": "Beslut 2026-11",
    }
    saved = client.post(address(VisitType, "add"), values, follow=True)
    assert saved.status_code == 200
    made = VisitType.objects.get(code="pv-ssk-forskning-nybesok")
    assert list(ContactReason.objects.offered_for(made, now().date()).filter(pk=reason.pk)) == [reason]
    changed = ChangeLogEntry.objects.get(table_name="registration_visittype", row_id=str(made.pk))
    assert str(changed.actor_id) == str(user.pk)


def _kind(name):
    from registration.models import VisitKind

    return VisitKind.objects.get(name=name)


def test_a_visit_type_without_the_choice_that_its_kind_needs_is_refused_in_swedish(client, log_in, unit):
    """BT-02."""
    log_in(Role.CATALOGUE_ADMIN, unit)
    some = VisitType.objects.get(name="Pv Ssk Återbesök")
    values = form_of(client.get(address(VisitType, "add"))) | {
        "code": "pv-ssk-video",
        "name": "Pv Ssk Video",
        "care_area": some.care_area_id,
        "profession": some.profession_id,
        "visit_kind": _kind("Video").pk,
        "contact_form": "video",
    }
    answer = client.post(address(VisitType, "add"), values)
    assert "Välj nybesök eller återbesök för den här typen av besök (BT-02)." in answer.content.decode()
    assert not VisitType.objects.filter(code="pv-ssk-video").exists()


def test_a_catalogue_row_gets_an_end_date_and_keeps_its_code(client, log_in, unit):
    log_in(Role.CATALOGUE_ADMIN, unit)
    reason = ContactReason.objects.get(name="minne")
    page = address(ContactReason, "change", reason.pk)
    values = form_of(client.get(page)) | {"valid_to": "2026-12-31", "code": "annan"}
    assert save(client, page, values).status_code == 302
    reason.refresh_from_db()
    assert (str(reason.valid_to), reason.code) == ("2026-12-31", "minne")
    assert LogEntry.objects.filter(object_id=str(reason.pk)).exists()


def test_a_link_can_be_taken_away(client, log_in, unit):
    """VO-02: the reason is then not offered for the visit type."""
    log_in(Role.CATALOGUE_ADMIN, unit)
    reason = ContactReason.objects.get(name="minne")
    page = address(ContactReason, "change", reason.pk)
    values = form_of(client.get(page)) | {"visit_type_links-0-DELETE": "on"}
    assert save(client, page, values).status_code == 302
    assert not VisitTypeReason.objects.filter(contact_reason=reason).exists()


def test_a_unit_that_is_not_filled_in_is_told_so_in_swedish(client, log_in, unit):
    log_in(Role.CATALOGUE_ADMIN, unit)
    answer = client.post(address(CareUnit, "add"), {"name": "Utan HSA-id"})
    assert answer.status_code == 200
    assert answer.content.decode().count("Det här fältet är obligatoriskt.") >= 4
    assert not CareUnit.objects.filter(name="Utan HSA-id").exists()


def test_a_user_is_added_with_password_and_assignment(client, log_in, unit):
    log_in(Role.CATALOGUE_ADMIN, unit)
    values = form_of(client.get(address(User, "add"))) | {
        "username": "ny",
        "name": "Nils Ny",
        "is_active": "on",
        "new_password": "korrekt häst batteri",
        "assignments-TOTAL_FORMS": "1",
        "assignments-0-care_unit": unit.pk,
        "assignments-0-role": Role.RECEPTIONIST,
        "assignments-0-hsa_id": "SE0000000000-NY",
        "assignments-0-purpose": "Vård och behandling",
    }
    assert client.post(address(User, "add"), values).status_code == 302
    user = User.objects.get(username="ny")
    assert user.check_password("korrekt häst batteri")
    assert StaffAssignment.objects.get(user=user).role == Role.RECEPTIONIST


def test_a_weak_password_is_refused_and_an_empty_one_keeps_what_is(client, log_in, unit):
    log_in(Role.CATALOGUE_ADMIN, unit)
    other = factories.UserFactory()
    page = address(User, "change", other.pk)
    values = form_of(client.get(page))
    assert client.post(page, values | {"new_password": "kort"}).status_code == 200
    assert save(client, page, values | {"name": "Nytt Namn"}).status_code == 302
    other.refresh_from_db()
    assert other.name == "Nytt Namn"
    assert other.check_password(factories.PASSWORD)


def test_a_user_without_a_password_cannot_log_in(client, log_in, unit):
    log_in(Role.CATALOGUE_ADMIN, unit)
    values = form_of(client.get(address(User, "add"))) | {
        "username": "journalen",
        "name": "Journalen",
        "is_active": "on",
    }
    assert client.post(address(User, "add"), values).status_code == 302
    assert not User.objects.get(username="journalen").has_usable_password()


def test_a_key_is_seen_without_its_digest_and_taken_back(client, log_in, unit):
    user = log_in(Role.CATALOGUE_ADMIN, unit)
    token = tokens.create(user=user, label="Journalen")
    row = ApiToken.objects.get()
    assert row.digest not in client.get(address(ApiToken, "change", row.pk)).content.decode()
    done = {"action": "revoke", "_selected_action": [str(row.pk)]}
    asked = client.post(address(ApiToken, "changelist"), done).content.decode()
    assert "Inget är ändrat än." in asked and "Journalen" in asked
    assert tokens.find(token, at=now()) == row
    answer = client.post(address(ApiToken, "changelist"), fields(asked), follow=True)
    assert "1 nycklar är återkallade." in answer.content.decode()
    assert tokens.find(token, at=now()) is None


def test_a_coordinator_maintains_the_tidbocker_of_the_own_unit_only(client, log_in, unit):
    log_in(Role.COORDINATOR, unit)
    own, other = factories.ResourceFactory(care_unit=unit), factories.ResourceFactory()
    listed = client.get(address(Resource, "changelist")).content.decode()
    assert own.name in listed
    assert other.name not in listed
    page = address(Resource, "change", own.pk)
    values = form_of(client.get(page)) | {"weekly_hours-0-to_time": "17:00", "weekly_hours-1-DELETE": "on"}
    assert save(client, page, values).status_code == 302
    assert WeeklyHours.objects.filter(resource=own).count() == 6
    assert WeeklyHours.objects.filter(resource=own, to_time="17:00").count() == 1
    assert client.get(address(Resource, "change", other.pk)).status_code == 302
    choices = client.get(address(Resource, "add")).context["adminform"].form.fields["care_unit"].queryset
    assert list(choices) == [unit]


def test_a_tidbok_changed_here_asks_what_is_asked_of_it_everywhere(client, log_in, unit):
    """BO-01, PL-02: hours that overlap are refused at their rows; a last day, hours taken away or kept for other besökstyper
    tell whom they hit, and saved all the same put them on Ombokningar until that is undone."""
    log_in(Role.COORDINATOR, unit)
    start = minute(now()).replace(hour=10, minute=0) + timedelta(days=7)
    visit = factories.booked_visit(care_unit=unit, start=start)
    resource = visit.resources.get()
    page = address(Resource, "change", resource.pk)
    shown = form_of(client.get(page))
    # Sent again and again as it was at first.
    del shown["_seen"]

    def listed():
        return set(RebookingItem.objects.open().values_list("appointment", "resource"))

    row = {"weekday": "1", "from_time": "10:00", "to_time": "11:00", "slot_minutes": "30", "resource": str(resource.pk)}
    twice = shown | {f"weekly_hours-7-{name}": value for name, value in row.items()} | {"weekly_hours-TOTAL_FORMS": "8"}
    answer = client.post(page, twice)
    assert answer.status_code == 200 and "har redan tider måndagar kl." in answer.content.decode()
    answer = client.post(page, shown | {"valid_from": "2030-01-02", "valid_to": "2030-01-01"})
    assert answer.status_code == 200 and "Sista dagen ska inte ligga före den första." in answer.content.decode()
    assert WeeklyHours.objects.filter(resource=resource).count() == 7

    (mine,) = [
        name[:-8]
        for name, value in shown.items()
        if name.endswith("-weekday") and str(value) == str(local_date(start).isoweekday())
    ]
    last = (local_date(start) - timedelta(days=1)).isoformat()
    another_type = str(VisitType.objects.exclude(pk=visit.encounter.visit_type_id).first().pk)
    for change in ({"valid_to": last}, {f"{mine}-visit_types": [another_type]}, {f"{mine}-DELETE": "on"}):
        # Where a resource is, is fixed: what is sent of it is not heard.
        told = client.post(page, shown | change | {"care_unit": str(factories.CareUnitFactory().pk)})
        assert told.status_code == 200 and "1 bokning får inte längre plats" in told.content.decode()
        assert "Spara ändå" in told.content.decode()
        assert listed() == set()
        assert list(client.get(page).context["messages"]) == []
        done = client.post(page, fields(told.content.decode()), follow=True)
        assert "Att boka om, i Ombokningar: 1." in done.content.decode()
        assert listed() == {(visit.pk, resource.pk)}
        resource.refresh_from_db()
        assert resource.care_unit == unit
        if f"{mine}-DELETE" not in change:
            assert save(client, page, shown).status_code == 302
            assert listed() == set()


def test_the_logs_are_read_and_changed_by_nobody(client, log_in, unit):
    log_in(Role.AUDITOR, unit)
    entry = ChangeLogEntry.objects.order_by("-id").first()
    assert client.get(address(ChangeLogEntry, "change", entry.pk)).status_code == 200
    assert client.get(address(ChangeLogEntry, "add")).status_code == 403
    assert client.post(address(ChangeLogEntry, "change", entry.pk), {"table_name": "x"}).status_code == 403
    assert client.get(address(ChangeLogEntry, "changelist") + f"?q={entry.row_id}").status_code == 200


@pytest.mark.parametrize("page", ["index", "changelist", "add", "change"])
def test_the_pages_work_under_the_strict_policy(client, log_in, unit, page):
    """No inline script or style, nothing from elsewhere."""
    log_in(Role.CATALOGUE_ADMIN, unit)
    some = VisitType.objects.first()
    where = {
        "index": reverse("admin:index"),
        "changelist": address(VisitType, "changelist"),
        "add": address(VisitType, "add"),
        "change": address(VisitType, "change", some.pk),
    }[page]
    response = client.get(where)
    assert "script-src 'self'" in response["Content-Security-Policy"]
    html = response.content.decode()
    assert "<style" not in html
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    for script in re.findall(r"<script([^>]*)>", html):
        assert "src=" in script or "application/json" in script or 'type="text/template"' in script
    assert not re.search(r'(?:src|href)="https?:', html)
