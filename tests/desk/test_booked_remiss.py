"""A remiss that has a time stays in Att boka until the patient has come (UT-07), and is not dealt with as one that nobody
has booked: it says so, is moved, and is not booked, called or taken over once more (BO-01, PL-25, PL-26, PL-27)."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse

from registration.models import Referral
from scheduling.actions import invitations
from scheduling.models import Appointment, OpenInvitation
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.desk.presenters import work
from sdv.desk.presenters.rows import stamp
from sdv.flows import cancellation
from sdv.organisation.models import SharedList
from tests.clinic import DAY, Clinic

from .signed_in import signed_in

TO_BOOK = reverse("work-list", args=["to-book"])


def acts(client):
    """The one row of Att boka: its acts, and what it says of its time."""
    (row,) = client.get(TO_BOOK).context["rows"]
    return {button.label: button.url for button in row.buttons}, row.cells[0].tag.text


def filled(client, url, clinic, place=0):
    """The booking page from the row: its address, and what is sent to take one of the times."""
    path, asked = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
    page = client.get(path, asked | {"besokstyp": clinic.nurse_visit.pk, "orsak": clinic.reason.pk})
    times = [time for day in page.context["days"] for time in day.times]
    return path, page.context["kept"] | {"step": "book", "tid": times[place].value}


def due(clinic):
    return work.due_count(clinic.unit, ["to-book"], at=now())


def test_a_remiss_is_booked_once_and_says_that_it_is(db):
    clinic, other = Clinic(), Clinic(name="Ortopedin Norr")
    shared = SharedList.objects.create(name="Ortopedi")
    for unit in (clinic.unit, other.unit):
        shared.units.create(care_unit=unit)
    patient = clinic.patient()
    remiss = clinic.commitment(patient).referrals.get()
    Referral.objects.update(medical_target_date=local_date(now()) - 2 * DAY)
    first = signed_in(clinic.staff(Role.COORDINATOR))
    second = signed_in(clinic.staff(Role.COORDINATOR, username="olle", name="Olle Berg"))
    neighbour = signed_in(other.staff(Role.COORDINATOR))
    unbooked, late = acts(first)
    assert (list(unbooked), late, due(clinic)) == (
        ["Boka", "Kontaktförsök", "Öppen kallelse"], "Försenad 2 dagar", 1,
    )  # fmt: skip
    path, form = filled(first, unbooked["Boka"], clinic)
    _, later = filled(second, unbooked["Boka"], clinic, place=1)
    done = first.post(path, form)
    booked = Appointment.objects.get()
    # One's own second click leads to the same receipt; the other, who has the page open since before, is told (PL-27).
    assert first.post(path, form)["Location"] == done["Location"]
    told = second.post(path, later)
    assert told.status_code == 409
    for words in ("Remissen har redan en tid", "Boka om den, eller boka ett besök till", "Maria Ek"):
        assert words in told.content.decode()
    assert Appointment.objects.get() == booked

    moved, tag = acts(first)
    assert (list(moved), tag, due(clinic)) == (["Boka om", "Kontaktförsök"], f"Bokad {stamp(booked.start)}", 0)
    move = reverse("appointment-reschedule", args=[booked.pk])
    assert moved["Boka om"].startswith(move)
    for page in (f"{reverse('referrals')}?visa=boka", reverse("referral", args=[remiss.pk])):
        text = first.get(page).content.decode()
        assert f"Bokad {stamp(booked.start)}" in text and move in text and f"remiss={remiss.pk}" not in text
    assert acts(neighbour) == ({}, tag)
    assert neighbour.post(reverse("referral-take", args=[remiss.pk])).status_code == 409
    remiss.refresh_from_db()
    assert remiss.care_unit == clinic.unit
    wanted = {"last_day": local_date(now()) + 9 * DAY, "visit_type": clinic.nurse_visit, "by": clinic.nurse}
    with pytest.raises(RuleError) as refused:
        invitations.invite(subject="referral", row_id=remiss.pk, at=now(), **wanted)
    assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-26", "already_booked", "Maria Ek")
    assert not OpenInvitation.objects.exists()

    # A visit more on the vårdåtagande is not the remiss's. With both called off the patient waits as before.
    assert second.post(path, later | {"remiss": ""}).status_code == 302
    for row in Appointment.objects.all():
        cancellation.cancel(appointment_id=row.pk, cancelled_by="patient", reason="Sjuk", by=clinic.nurse, at=now())
    assert (list(acts(first)[0]), due(clinic)) == (list(unbooked), 1)
