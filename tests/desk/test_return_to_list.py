"""From a list to the booking and back to it, with the next row selected (ui.md 4.6, BB-01, PL-02, UT-07, UT-04)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from registration.models import Referral
from scheduling.actions import absences, invitations, work_items
from scheduling.models import Appointment, AwaitedResult, BookingRequest
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.flows import invariants
from tests.clinic import DAY, HALF_HOUR, Clinic

from .signed_in import signed_in

pytestmark = pytest.mark.django_db


def requested(clinic, patient, commitment=None):
    today = local_date(now())
    if commitment is None and not clinic.unit.is_primary_care:
        commitment = clinic.in_care(patient)
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=today,
        wished_to=today + timedelta(days=7),
        commitment_id=commitment.pk if commitment else None,
        by=clinic.nurse,
        at=now(),
    )


def booked_from(client, address):
    """Follows the act of the first row, takes the first time and confirms it; answers with where that leads."""
    page = client.get(address)
    row, following = page.context["rows"][:2]
    url = row.book_url if hasattr(row, "book_url") else next(each.url for each in row.buttons if each.key == "B")
    desk = client.get(url)
    fields = dict(desk.context["kept"])
    if not fields.get("besokstyp") and "besokstyp" in desk.context["form"].fields:
        fields["besokstyp"] = next(iter(desk.context["form"].visit_types))
        desk = client.get(urlsplit(url).path, fields)
        fields = dict(desk.context["kept"])
        fields["orsak"] = fields.get("orsak") or next(iter(desk.context["form"].reasons))
    time = desk.context["days"][0].times[0]
    answer = client.post(urlsplit(url).path, fields | {"step": "book", "tid": time.value})
    assert answer.status_code == 302, answer.context["form"].errors
    return answer["Location"], following


def test_each_list_is_come_back_to_with_the_next_row_selected_and_the_booking_told():
    """ui.md 4.6: Bokningsbegäran with its filters, Att boka, Remisser, Ombokningar, Öppna kallelser."""
    clinic = Clinic()
    client = signed_in(clinic.staff(Role.COORDINATOR))
    lists = {
        "booking-requests": f"{reverse('booking-requests')}?status=open",
        "to-book": reverse("work-list", args=["to-book"]),
        "referrals": f"{reverse('referrals')}?visa=boka",
        "open-invitations": reverse("work-list", args=["open-invitations"]),
        "rebooking": reverse("work-list", args=["rebooking"]),
    }
    for number in range(2):
        patient = clinic.patient()
        requested(clinic, patient, clinic.commitment(patient))
        patient = clinic.patient()
        commitment = clinic.commitment(patient)
        invited = requested(clinic, patient, commitment)
        invitations.invite(
            subject="booking_request",
            row_id=invited.pk,
            last_day=local_date(now()) + timedelta(days=9),
            by=clinic.nurse,
            at=now(),
        )
        patient = clinic.patient()
        clinic.commitment(patient)
        clinic.book(patient, now() + 2 * DAY + number * HALF_HOUR, at=now())
    absences.register(
        care_unit=clinic.unit,
        resource_id=clinic.nurse_resource.pk,
        kind="leave",
        start=now() + DAY,
        end=now() + 3 * DAY,
        by=clinic.nurse,
        at=now(),
    )
    for name, address in lists.items():
        location, following = booked_from(client, address)
        place, query = urlsplit(location).path, parse_qs(urlsplit(location).query)
        pk = following.referral.pk if name == "referrals" else following.pk
        assert (name, place, query["rad"]) == (name, urlsplit(address).path, [str(pk)])
        booked = Appointment.objects.get(pk=query["bokad"][0])
        page = client.get(location)
        text = page.content.decode()
        assert page.context["booked"] == booked
        assert f'<tr id="rad-{pk}"' in text and text.count('aria-current="true"><td') == 1
        assert "Tiden är bokad:" in text
        assert all(query[key] == values for key, values in parse_qs(urlsplit(address).query).items())


def test_the_way_back_is_never_to_another_site():
    clinic = Clinic(kind="vardcentral", area="Pv")
    client = signed_in(clinic.staff())
    patient = clinic.patient()
    request = requested(clinic, patient)
    url = reverse("book", args=[patient.pk])
    page = client.get(url, {"begaran": request.pk, "tillbaka": "https://example.com/"})
    fields = dict(page.context["kept"])
    time = page.context["days"][0].times[0]
    answer = client.post(url, fields | {"step": "book", "tid": time.value, "tillbaka": "https://example.com/"})
    booked = Appointment.objects.get()
    assert answer["Location"] == f"{reverse('patient-appointments', args=[patient.pk])}?bokad={booked.pk}"


def test_who_awaits_an_answer_is_watched_in_place_of_being_booked():
    """UT-04, UT-07: the request ends, and what is awaited hangs on the last visit of its vårdåtagande; without a visit
    it is refused, and nothing has changed."""
    clinic = Clinic()
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    request = requested(clinic, patient, commitment)
    reason = clinic.outcome_reason("await_result")
    told = {"request_id": request.pk, "reason": reason, "by": clinic.doctor, "at": now()}
    with pytest.raises(RuleError) as refused:
        work_items.await_answer(**told)
    request.refresh_from_db()
    assert (refused.value.rule, request.status, AwaitedResult.objects.count()) == ("UT-04", "open", 0)
    visit = clinic.arrived(patient, now() - HALF_HOUR, commitment_id=commitment.pk)
    item = work_items.await_answer(**told, waiting_for="Röntgen")
    request.refresh_from_db()
    assert request.status == "closed" and request.close_reason == f"Avvaktar: {item.reason.name}"
    assert (item.encounter_id, item.commitment, item.responsible, item.waiting_for, item.watch_until) == (
        visit.encounter_id,
        commitment,
        clinic.doctor,
        "Röntgen",
        local_date(now()) + timedelta(days=21),
    )
    with pytest.raises(RuleError) as refused:
        work_items.await_answer(**told)
    assert (refused.value.rule, AwaitedResult.objects.count()) == ("BB-01", 1)
    assert BookingRequest.objects.waiting().count() == 0
    assert Referral.objects.to_book().count() == 0


def test_what_is_awaited_hangs_on_a_visit_of_the_patient_s_own():
    """UT-04: in primary care, without a vårdåtagande, another patient's later visit at the unit is nobody else's."""
    clinic = Clinic(kind="vardcentral", area="Pv")
    patient = clinic.patient()
    request = requested(clinic, patient)
    told = {"request_id": request.pk, "reason": clinic.outcome_reason("await_result"), "by": clinic.doctor, "at": now()}
    clinic.arrived(clinic.patient(), now() - HALF_HOUR)
    with pytest.raises(RuleError) as refused:
        work_items.await_answer(**told)
    assert (refused.value.code, AwaitedResult.objects.count()) == ("no_visit", 0)
    own = clinic.arrived(patient, now() - 2 * HALF_HOUR)
    item = work_items.await_answer(**told)
    assert (item.encounter_id, item.patient, item.commitment) == (own.encounter_id, patient, None)
    assert not invariants.items_after_another_s_visit(now()).exists()


def test_a_begaran_changed_meanwhile_is_not_made_an_avvakta_and_a_wrong_day_is_said_in_the_form():
    """PL-27, UT-04: nothing is saved by who saw what was before."""
    clinic = Clinic(kind="vardcentral", area="Pv")
    client, patient = signed_in(clinic.staff(Role.CLINICIAN)), clinic.patient()
    clinic.arrived(patient, now() - HALF_HOUR)
    request = requested(clinic, patient)
    url = reverse("booking-request-await", args=[request.pk])
    version = client.get(url).context["form"]["version"].value()
    given = {"reason": clinic.outcome_reason("await_result"), "watch_until": "+21d", "version": version}
    wrong = client.post(url, given | {"watch_until": str(local_date(now()) - timedelta(days=1))})
    assert wrong.status_code == 422 and wrong.context["form"].errors["watch_until"]
    work_items.change_request(request_id=request.pk, by=clinic.nurse, at=now(), description="Ringt")
    assert client.post(url, given).status_code == 409
    assert not AwaitedResult.objects.exists() and BookingRequest.objects.waiting().get() == request
