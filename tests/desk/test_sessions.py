"""Login, choice and switch of assignment, personal settings (ui.md 4.1)."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.urls import reverse

from sdv.accounts.middleware import ASSIGNMENT_KEY
from sdv.accounts.models import UserSettings
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests.factories import PASSWORD, HealthCentreFactory, StaffAssignmentFactory, UserFactory, receptionist, staff

pytestmark = pytest.mark.django_db


def log_in(client, user, **data):
    return client.post(reverse("login"), {"username": user.username, "password": PASSWORD} | data)


def test_who_has_one_assignment_goes_straight_to_the_day(client):
    user = receptionist()
    assert log_in(client, user).headers["Location"] == reverse("day")
    assert client.session[ASSIGNMENT_KEY] == str(user.assignments.get().pk)


def test_a_role_without_the_day_goes_to_the_start_page(client):
    user = staff(Role.CODER)
    assert log_in(client, user).headers["Location"] == reverse("start")
    assert client.get(reverse("start")).status_code == 200


def test_the_session_gets_a_new_key_at_login(client):
    client.get(reverse("login"))
    client.session["something"] = 1
    client.session.save()
    before = client.session.session_key
    log_in(client, receptionist())
    assert client.session.session_key != before


def test_a_wrong_password_gets_one_sentence_that_tells_nothing(client):
    known, unknown = receptionist(), "ingen"
    wrong = client.post(reverse("login"), {"username": known.username, "password": "fel"})
    stranger = client.post(reverse("login"), {"username": unknown, "password": "fel"})
    sentence = "Användarnamn och lösenord stämmer inte. Kontrollera dem och försök igen."
    assert wrong.status_code == stranger.status_code == 422
    assert sentence in wrong.content.decode() and sentence in stranger.content.decode()
    assert "_auth_user_id" not in client.session


def test_five_wrong_passwords_lock_the_name_out_with_a_swedish_page(client):
    user = receptionist()
    for _ in range(4):
        assert client.post(reverse("login"), {"username": user.username, "password": "fel"}).status_code == 422
    locked = client.post(reverse("login"), {"username": user.username, "password": "fel"})
    assert locked.status_code == 429
    assert "För många försök" in locked.content.decode()
    assert log_in(client, user).status_code == 429


def test_after_login_one_comes_back_to_the_page_asked_for(client):
    user = receptionist()
    wanted = reverse("day") + "?dag=2026-12-01"
    asked = client.get(wanted)
    assert asked.headers["Location"] == f"{reverse('login')}?next={quote(wanted, safe='/')}"
    assert log_in(client, user, next=wanted).headers["Location"] == wanted


@pytest.mark.parametrize("wanted", ["https://example.se/", "//example.se/", "javascript:alert(1)", "/logga-ut/"])
def test_login_sends_nobody_to_another_site(client, wanted):
    assert log_in(client, receptionist(), next=wanted).headers["Location"] == reverse("day")


def test_a_post_whose_session_ended_leads_back_to_its_page_not_to_itself(client):
    page = reverse("day")
    answer = client.post(reverse("hide-identities"), headers={"Referer": f"http://testserver{page}"})
    assert answer.headers["Location"] == f"{reverse('login')}?next={page}"


def test_several_assignments_are_chosen_among_with_the_last_used_first_and_preselected(client):
    first, second = HealthCentreFactory(name="Alfa"), HealthCentreFactory(name="Beta")
    user = receptionist(first, second)
    last = user.assignments.get(care_unit=second)
    UserSettings.objects.create(user=user, last_assignment=last)
    answer = log_in(client, user)
    assert answer.headers["Location"] == reverse("choose-assignment")
    html = client.get(reverse("choose-assignment")).content.decode()
    assert html.index("Beta") < html.index("Alfa")
    assert f'value="{last.pk}" checked autofocus' in html
    chosen = client.post(reverse("choose-assignment"), {"assignment": last.pk})
    assert chosen.headers["Location"] == reverse("day")
    assert client.session[ASSIGNMENT_KEY] == str(last.pk)


def test_without_an_assignment_the_page_says_whom_to_ask(client):
    user = UserFactory()
    assert log_in(client, user).headers["Location"] == reverse("choose-assignment")
    html = client.get(reverse("choose-assignment")).content.decode()
    assert "Du har inget uppdrag" in html and "Kontakta din chef" in html
    assert client.get(reverse("day")).headers["Location"] == reverse("choose-assignment")


def test_an_assignment_of_somebody_else_or_of_the_past_cannot_be_chosen(client):
    user, other = receptionist(), receptionist()
    old = StaffAssignmentFactory(user=user, valid_to=local_date(now()) - timedelta(days=1))
    log_in(client, user)
    before = client.session[ASSIGNMENT_KEY]
    for assignment in (old, other.assignments.get()):
        answer = client.post(reverse("choose-assignment"), {"assignment": assignment.pk})
        assert answer.status_code == 422
        assert "Välj ett av uppdragen." in answer.content.decode()
    assert client.session[ASSIGNMENT_KEY] == before


def test_a_switch_of_unit_keeps_the_page_where_the_new_role_may_see_it(client):
    here, there = HealthCentreFactory(), HealthCentreFactory()
    user = receptionist(here, there)
    coder = StaffAssignmentFactory(user=user, care_unit=there, role=Role.CODER)
    log_in(client, user)
    page = reverse("drop-in")

    def switch(assignment):
        return client.post(reverse("choose-assignment"), {"assignment": assignment.pk, "next": page}).headers[
            "Location"
        ]

    assert switch(user.assignments.get(care_unit=here, role=Role.RECEPTIONIST)) == page
    assert switch(user.assignments.get(care_unit=there, role=Role.RECEPTIONIST)) == page
    assert switch(coder) == reverse("start")


def test_the_switch_knows_the_page_one_came_from(client):
    user = receptionist(HealthCentreFactory(), HealthCentreFactory())
    log_in(client, user)
    html = client.get(reverse("choose-assignment"), headers={"Referer": "http://testserver/dagen/?visa=vantas"}).content
    assert 'name="next" value="/dagen/?visa=vantas"' in html.decode()


def test_another_units_row_is_not_kept_at_a_switch(client):
    here, there = HealthCentreFactory(), HealthCentreFactory()
    user = receptionist(here, there)
    log_in(client, user)
    client.post(reverse("choose-assignment"), {"assignment": user.assignments.get(care_unit=here).pk})
    page = reverse("appointment-cancel", args=["0197f2f0-0000-7000-8000-000000000000"])
    chosen = user.assignments.get(care_unit=there).pk
    answer = client.post(reverse("choose-assignment"), {"assignment": chosen, "next": page})
    assert answer.headers["Location"] == reverse("day")


def test_logout_is_a_post_and_leaves_nothing(client):
    user = receptionist()
    log_in(client, user)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).headers["Location"] == reverse("login")
    assert "_auth_user_id" not in client.session and ASSIGNMENT_KEY not in client.session


def test_personal_settings_outlive_the_session(client):
    user = receptionist()
    log_in(client, user)
    assert client.get(reverse("preferences")).status_code == 200
    saved = client.post(reverse("preferences"), {"density": "compact", "hide_identities": "on"})
    assert saved.headers["Location"] == reverse("preferences")
    client.post(reverse("logout"))
    log_in(client, user)
    html = client.get(reverse("day")).content.decode()
    assert 'data-density="compact"' in html and 'data-shortcuts="off"' in html
    assert client.session["preferences"] == {"density": "compact", "shortcuts": False, "hide_identities": True}


def test_an_unknown_row_height_is_refused(client):
    log_in(client, receptionist())
    answer = client.post(reverse("preferences"), {"density": "enorm"})
    assert answer.status_code == 422 and "Fel: Mina inställningar" in answer.content.decode()


def test_demo_users_are_listed_in_the_practice_environment_only(client, settings):
    settings.SDV_DEMO = False
    assert "Övningsanvändare" not in client.get(reverse("login")).content.decode()
    settings.SDV_DEMO = True
    assert "Övningsanvändare" in client.get(reverse("login")).content.decode()


def test_a_session_left_alone_says_so_at_the_login(client):
    log_in(client, receptionist())
    client.get(reverse("day"))
    session = client.session
    session["seen"] -= 31 * 60
    session.save()
    assert client.get(reverse("day")).status_code == 302
    assert "Du loggades ut eftersom sidan stått orörd" in client.get(reverse("login")).content.decode()


def test_the_start_page_tells_whether_the_unit_keeps_its_promises(client):
    log_in(client, receptionist())
    html = client.get(reverse("start")).content.decode()
    assert "Alla öppna vårdåtaganden på enheten har ett nästa steg" in html
