"""Finding, opening and changing patients on the screens (PA-*, SK-*, RI-01, PL-24), and the tabs of the patient page."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from registration.actions import patients as writes
from registration.models import CareCommitment, Patient, Referral
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.flows import deceased
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def unit():
    return make.CareUnitFactory()


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory()


@pytest.fixture
def desk(unit):
    return signed_in(make.receptionist(unit))


def search(client, text, **fields):
    return client.post(reverse("patient-search"), {"q": text} | fields)


def names_in(response):
    return [hit.name for hit in response.context["hits"]]


def what_logged(patient):
    return list(AccessLogEntry.objects.filter(patient_id=patient.pk).values_list("what", "action"))


# --- Search ---------------------------------------------------------------------------------------------------------


def spellings(identity):
    return [identity, f"{identity[:8]}-{identity[8:]}", f"{identity[2:8]}-{identity[8:]}", f" {identity[2:]} "]


def test_one_hit_on_a_number_opens_the_patient_at_once_however_it_is_spelt(desk):
    """RI-01, ui.md 4.3."""
    number = make.test_number()
    patient = make.patient(identity=number)
    for spelling in spellings(number):
        response = search(desk, spelling)
        assert response.status_code == 302
        assert response["Location"] == reverse("patient", args=[patient.pk])


def test_an_address_never_holds_what_was_typed(desk):
    """No personal data in addresses: a search is a POST, and its GET is the empty page."""
    response = desk.get(reverse("patient-search"), {"q": "Öberg"})
    assert response.status_code == 302
    assert response["Location"] == reverse("patients")


def test_names_are_found_by_the_beginnings_of_words_in_any_order_without_marks(desk):
    """ui.md 4.3: oberg finds Öberg."""
    make.patient(given_name="Hodan", surname="Abdi")
    make.patient(given_name="Maria", surname="Öberg")
    assert names_in(search(desk, "abdi ho")) == ["Abdi, Hodan"]
    assert names_in(search(desk, "HO ABDI")) == ["Abdi, Hodan"]
    assert names_in(search(desk, "oberg")) == ["Öberg, Maria"]


def test_the_matching_part_is_marked(desk):
    make.patient(given_name="Hodan", surname="Abdi")
    assert "<mark>Abd</mark>i, Hodan" in search(desk, "abd").content.decode()


def test_a_misspelt_name_finds_the_nearest(desk):
    make.patient(given_name="Kristoffer", surname="Lindqvist")
    response = search(desk, "Lindkvist")
    assert names_in(response) == ["Lindqvist, Kristoffer"]
    assert "liknande namn" in response.content.decode()


def test_a_birth_date_tells_people_of_the_same_name_apart(desk):
    first = make.patient(birth_date=date(1980, 1, 1))
    make.patient(birth_date=date(1981, 1, 1))
    response = search(desk, "Öberg Maria", birth_date=first.birth_date.isoformat())
    assert [hit.pk for hit in response.context["hits"]] == [first.pk]


def test_a_protected_person_is_found_by_the_whole_number_alone(desk, unit):
    """SK-05: neither name nor the count gives anything away."""
    make.patient(given_name="Maria", surname="Öberg")
    number = make.test_number()
    hidden = make.protected_patient(identity=number, given_name="Maria", surname="Öberg")
    response = search(desk, "Öberg")
    assert names_in(response) == ["Öberg, Maria"]
    assert "1 träff" in response.content.decode()
    assert names_in(search(desk, "Oberrg")) == ["Öberg, Maria"]
    assert search(desk, number)["Location"] == reverse("patient", args=[hidden.pk])


def test_a_name_only_a_protected_person_has_gives_the_same_answer_as_no_hit(desk):
    """SK-05."""
    make.protected_patient(given_name="Ensam", surname="Unikson")
    assert search(desk, "Unikson").context["hits"] == search(desk, "Ingenalls").context["hits"] == []


def test_at_most_fifty_hits_and_it_says_that_there_are_more(desk):
    """ui.md 4.3: never more than 50 hits."""
    for _ in range(51):
        make.patient(surname="Andersson")
    response = search(desk, "Andersson")
    assert len(response.context["hits"]) == 50
    assert "De 50 första" in response.content.decode()


def test_what_a_search_shows_is_logged(desk):
    """PDL: every read."""
    patient = make.patient(surname="Åkesson")
    search(desk, "Åkesson")
    assert what_logged(patient) == [("sökträff", "read")]


def test_a_wrong_check_digit_is_told_at_the_field(desk):
    """PA-02."""
    number = make.test_number()
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    response = search(desk, wrong)
    assert response.status_code == 422
    assert response.context["form"].errors["q"]


def test_an_unknown_number_offers_to_register_the_person(desk):
    response = search(desk, make.test_number())
    assert response.status_code == 200
    assert "Ingen patient har det numret" in response.content.decode()
    assert reverse("patient-create") in response.content.decode()


def test_a_search_asks_the_database_equally_often_however_many_it_finds(desk):
    make.patient(surname="Svensson")
    search(desk, "Svensson")
    few = queries_of(lambda: search(desk, "Svensson"))
    for _ in range(5):
        make.patient(surname="Svensson")
    assert queries_of(lambda: search(desk, "Svensson")) == few <= 15


# --- Registering ------------------------------------------------------------------------------------------------------


def test_a_new_patient_is_registered_with_number_and_names(desk):
    """PA-01."""
    number = make.test_number()
    response = desk.post(
        reverse("patient-create"), {"identity": number, "given_name": "Ali", "middle_name": "", "surname": "Demir"}
    )
    patient = Patient.objects.get(identities__value=number)
    assert response["Location"] == reverse("patient", args=[patient.pk])
    assert (patient.given_name, patient.surname) == ("Ali", "Demir")


def test_a_number_that_is_known_leads_to_the_known_patient(desk):
    """PA-03: nothing is made twice."""
    number = make.test_number()
    known = make.patient(identity=number)
    response = desk.post(reverse("patient-create"), {"identity": number, "given_name": "Ali", "surname": "Demir"})
    assert response.status_code == 422
    assert response.context["known_url"] == reverse("patient", args=[known.pk])
    assert Patient.objects.count() == 1


def test_a_wrong_number_registers_nobody(desk):
    """PA-02."""
    response = desk.post(reverse("patient-create"), {"identity": "19811304-9800", "given_name": "A", "surname": "B"})
    assert response.status_code == 422
    assert response.context["form"].errors["identity"]
    assert Patient.objects.count() == 0


def test_a_number_from_a_search_is_filled_in(desk):
    response = desk.post(reverse("patient-create"), {"identity": "19811304-9800", "prefill": "1"})
    assert response.status_code == 200
    assert 'value="19811304-9800"' in response.content.decode()


# --- The patient page -------------------------------------------------------------------------------------------------


def page(client, name, patient, **kwargs):
    return client.get(reverse(name, args=[patient.pk]), **kwargs)


def test_the_title_never_holds_a_name(desk):
    patient = make.patient(given_name="Hodan", surname="Abdi")
    html = page(desk, "patient", patient).content.decode()
    title = html[html.index("<title>") : html.index("</title>")]
    assert title == "<title>Patient – SDV Registrering"


def test_each_tab_is_logged(desk):
    """PDL: every read of the page."""
    patient = make.patient()
    for name in ("patient", "patient-encounters", "patient-commitments", "patient-appointments"):
        assert page(desk, name, patient).status_code == 200
    assert [what for what, _ in what_logged(patient)] == ["patientsida", "vårdhändelser", "vårdåtaganden", "bokningar"]


def test_a_merged_record_leads_to_the_present_one(desk):
    """PA-03."""
    present, old = make.patient(), make.patient()
    Patient.objects.filter(pk=old.pk).update(merged_into=present)
    assert page(desk, "patient-commitments", old)["Location"] == reverse("patient-commitments", args=[present.pk])


def test_the_tabs_carry_the_units_own_numbers(clinic):
    """PA-08, VH-05: a visit more than a day ahead counts as a booking and not as a vårdhändelse."""
    client = signed_in(make.clinician(clinic))
    at = now()
    booked = make.booked_visit(care_unit=clinic, start=make.in_days(3), at=at)
    make.booked_visit(patient=booked.patient, start=make.in_days(4), at=at)
    tabs = {tab.label: tab.count for tab in page(client, "patient", booked.patient).context["tabs"]}
    assert tabs == {
        "Patient": None,
        "Relationer": None,
        "Vårdhändelser": 0,
        "Vårdåtaganden": 1,
        "Bokningar": 1,
    }


# --- Protected persons ------------------------------------------------------------------------------------------------


def protected_with_phone(**fields):
    patient = make.patient(given_name="Hemlig", surname="Gömdsson", interpreter_language="dari", **fields)
    writes.edit(patient_id=patient.pk, by=make.UserFactory(), at=now(), phone="070-999 88 77")
    Patient.objects.filter(pk=patient.pk).update(protection="sekretessmarkering")
    patient.refresh_from_db()
    return patient


def test_nothing_hidden_of_a_protected_person_is_in_any_tab(clinic):
    """SK-02, SK-05: not in the HTML at all."""
    client = signed_in(make.clinician(clinic))
    patient = protected_with_phone()
    make.booked_visit(care_unit=clinic, patient=patient)
    tabs = ("patient", "patient-encounters", "patient-commitments", "patient-appointments", "book", "patient-deceased")
    for name in tabs:
        response = page(client, name, patient)
        html = response.content.decode()
        assert response.status_code == 200, name
        for hidden in ("Hemlig", "Gömdsson", "070-999 88 77", "dari"):
            assert hidden not in html, (name, hidden)
        assert "Sekretessmarkering" in html


def test_every_field_of_a_protected_person_is_locked(clinic):
    """SK-02."""
    client = signed_in(make.clinician(clinic))
    patient = protected_with_phone()
    make.booked_visit(care_unit=clinic, patient=patient)
    assert "/uppgifter/" not in page(client, "patient", patient).content.decode()
    response = client.post(
        reverse("patient-edit", args=[patient.pk, "telefon"]),
        {"number": "0701112233", "kind": "mobile", "version": patient.version},
    )
    assert response.status_code == 409
    assert patient.phones.get().number == "+46709998877"


def test_a_protected_person_the_unit_does_not_know_is_opened_with_a_reason_that_is_logged(desk):
    """PL-24."""
    patient = protected_with_phone()
    asked = page(desk, "patient-appointments", patient)
    assert asked.status_code == 403
    assert "inte känd på din enhet" in asked.content.decode()
    assert what_logged(patient) == []
    url = reverse("patient-open", args=[patient.pk])
    assert desk.post(url, {"reason": "", "next": ""}).status_code == 422
    back = reverse("patient-appointments", args=[patient.pk])
    response = desk.post(url, {"reason": "Patienten ringer om en tid", "next": back})
    assert response["Location"] == back
    entry = AccessLogEntry.objects.get(patient_id=patient.pk)
    assert (entry.action, entry.purpose) == ("emergency", "Patienten ringer om en tid")
    assert page(desk, "patient-appointments", patient).status_code == 200


def test_the_way_back_after_a_reason_stays_on_this_site(desk):
    patient = protected_with_phone()
    url = reverse("patient-open", args=[patient.pk])
    response = desk.post(url, {"reason": "Ringer", "next": "https://example.org/"})
    assert response["Location"] == reverse("patient", args=[patient.pk])


def test_who_has_the_protected_patient_at_the_unit_is_asked_nothing(unit, desk):
    """Decided at the top of ui.md."""
    patient = protected_with_phone()
    make.booking_request(care_unit=unit, patient=patient)
    assert page(desk, "patient", patient).status_code == 200


# --- Vårdhändelser ----------------------------------------------------------------------------------------------------


def test_the_overview_leaves_out_what_is_hidden_and_what_belongs_to_others(clinic):
    """VH-05, PA-08; Bokningar shows the hidden one."""
    client = signed_in(make.clinician(clinic))
    at = now()
    arrived = make.arrived_visit(care_unit=clinic, at=at)
    hidden = make.booked_visit(care_unit=clinic, patient=arrived.patient, start=at + timedelta(days=9), at=at)
    make.arrived_visit(patient=arrived.patient, at=at, start=at + timedelta(hours=3))
    visits = page(client, "patient-encounters", arrived.patient).context["visits"]
    assert [visit.pk for visit in visits] == [arrived.encounter_id]
    coming = page(client, "patient-appointments", arrived.patient).context["coming"]
    assert [row.pk for row in coming] == [hidden.pk]


def test_the_detail_alone_is_answered_to_htmx(clinic):
    client = signed_in(make.clinician(clinic))
    visit = make.arrived_visit(care_unit=clinic)
    url = reverse("patient-encounters", args=[visit.patient_id])
    response = client.get(url, {"vald": visit.encounter_id}, headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert "Sp Läk Återbesök" in response.content.decode()
    assert client.get(url, {"vald": "annat"}).status_code == 404


# --- Vårdåtaganden ----------------------------------------------------------------------------------------------------


def test_open_vardataganden_say_what_comes_next_and_one_without_is_marked(clinic):
    """UT-07."""
    client = signed_in(make.clinician(clinic))
    patient = make.patient()
    at = now()
    booked = make.open_commitment(patient=patient, care_unit=clinic)
    start = at + timedelta(days=3)
    make.booked_visit(care_unit=clinic, patient=patient, commitment=booked, start=start, at=at)
    forgotten = make.open_commitment(patient=patient, care_unit=clinic, problem="demo02")
    Referral.objects.filter(commitment=forgotten).update(status="closed")
    to_book = make.open_commitment(patient=patient, care_unit=clinic, problem="demo03")
    response = page(client, "patient-commitments", patient)
    steps = {row.pk: step for row, step in response.context["open_rows"]}
    assert steps[booked.pk].startswith("Bokad ")
    assert steps[forgotten.pk] == ""
    assert steps[to_book.pk] == f"Att boka: remiss från {local_date(at)}"
    assert response.content.decode().count("Saknar planering") == 1


def test_a_vardatagande_is_opened_with_ground_v_and_comes_in_att_boka(clinic):
    """VA-02, UT-07."""
    client = signed_in(make.clinician(clinic))
    patient = make.patient()
    url = reverse("commitment-create", args=[patient.pk])
    assert client.post(url, {"problem_code": ""}).status_code == 422
    client.post(url, {"problem_code": make.problem_code().pk})
    commitment = CareCommitment.objects.get(patient=patient)
    assert (commitment.status, commitment.care_unit) == ("open", clinic)
    assert Referral.objects.get(commitment=commitment).kind == "V"


def test_closing_needs_a_reason_and_lists_what_stands_in_the_way(clinic):
    """UT-03."""
    client = signed_in(make.clinician(clinic))
    visit = make.booked_visit(care_unit=clinic, start=make.in_days(2))
    commitment = visit.encounter.commitment
    url = reverse("commitment-close", args=[visit.patient_id, commitment.pk])
    assert client.post(url, {"reason": "", "version": "1"}).status_code == 422
    response = client.post(url, {"reason": "färdigbehandlad", "version": "1"})
    assert response.status_code == 409
    assert "det har bokning" in response.content.decode()
    commitment.refresh_from_db()
    assert commitment.status == "open"


def test_a_vardatagande_is_closed_and_opened_again(clinic):
    """UT-03, PL-13."""
    client = signed_in(make.clinician(clinic))
    patient = make.patient()
    commitment = make.open_commitment(patient=patient, care_unit=clinic)
    client.post(
        reverse("commitment-close", args=[patient.pk, commitment.pk]), {"reason": "färdigbehandlad", "version": "1"}
    )
    commitment.refresh_from_db()
    assert (commitment.status, commitment.close_reason) == ("closed", "färdigbehandlad")
    reopen = reverse("commitment-reopen", args=[patient.pk, commitment.pk])
    assert client.post(reopen, {"reason": "", "version": "2"}).status_code == 422
    client.post(reopen, {"reason": "Nya besvär", "version": "2"})
    commitment.refresh_from_db()
    assert commitment.status == "open"


def test_another_units_vardatagande_is_not_there(clinic, unit):
    """PA-08."""
    patient = make.patient()
    commitment = make.open_commitment(patient=patient, care_unit=clinic)
    client = signed_in(make.clinician(unit))
    assert page(client, "patient-commitments", patient).context["open_rows"] == []
    url = reverse("commitment-close", args=[patient.pk, commitment.pk])
    assert client.post(url, {"reason": "färdigbehandlad", "version": "1"}).status_code == 404


# --- Bokningar --------------------------------------------------------------------------------------------------------


def test_bokningar_shows_coming_waiting_and_past_of_this_unit(unit, desk):
    """PA-08, BO-03."""
    at = now()
    patient = make.patient()
    coming = make.booked_visit(care_unit=unit, patient=patient, start=at + timedelta(days=2), at=at)
    cancelled = make.cancelled_visit(care_unit=unit, patient=patient, start=at + timedelta(days=4), at=at)
    request = make.booking_request(care_unit=unit, patient=patient)
    make.booked_visit(patient=patient, start=at + timedelta(days=6), at=at)
    make.booking_request(patient=patient)
    context = page(desk, "patient-appointments", patient).context
    assert [row.pk for row in context["coming"]] == [coming.pk]
    assert [row.pk for row in context["past"]] == [cancelled.pk]
    assert [row.pk for row in context["waiting"]] == [request.pk]


@pytest.mark.parametrize(
    ("name", "most"),
    [("patient", 18), ("patient-encounters", 20), ("patient-commitments", 30), ("patient-appointments", 20)],
)
def test_a_tab_asks_the_database_equally_often_however_much_it_shows(name, most, clinic):
    """The frame's counts of the menu included. Each visit is with a caregiver of its own (PL-06 is overruled)."""
    client = signed_in(make.coordinator(clinic))
    at = now()
    patient = make.patient()

    def more():
        for problem in ("demo01", "demo02"):
            commitment = make.open_commitment(patient=patient, care_unit=clinic, problem=problem)
            common = {"care_unit": clinic, "patient": patient}
            twice = {"commitment": commitment, "accept_warnings": ["PL-06"], "reason": "Prov", "at": at}
            start = make.in_days(2)
            make.booked_visit(**common, **twice, start=start, resource=make.ResourceFactory(care_unit=clinic))
            make.arrived_visit(**common, **twice, resource=make.ResourceFactory(care_unit=clinic))
            make.booking_request(**common, commitment_id=commitment.pk)
            make.received_referral(**common)

    more()
    page(client, name, patient)
    few = queries_of(lambda: page(client, name, patient))
    more()
    more()
    assert queries_of(lambda: page(client, name, patient)) == few <= most


# --- Logg -------------------------------------------------------------------------------------------------------------


def test_the_log_is_for_those_who_review_logs(unit, desk):
    """PDL: others are told in words."""
    patient = make.patient()
    page(desk, "patient", patient)
    refused = page(desk, "patient-log", patient)
    assert refused.status_code == 403
    assert "Du saknar behörighet" in refused.content.decode()
    auditor = signed_in(make.staff(Role.AUDITOR, unit))
    response = page(auditor, "patient-log", patient)
    assert response.status_code == 200
    assert [row.what for row in response.context["rows"]] == ["åtkomstlogg", "patientsida"]
    assert [row.what for row in response.context["events"]] == ["Registrerad"]
    assert [tab.label for tab in response.context["tabs"]] == ["Logg"]


def test_who_reviews_logs_begins_with_the_whole_number(unit):
    number = make.test_number()
    patient = make.protected_patient(identity=number)
    auditor = signed_in(make.staff(Role.AUDITOR, unit))
    url = reverse("access-log")
    assert auditor.post(url, {"identity": make.test_number()}).status_code == 422
    response = auditor.post(url, {"identity": number})
    assert response["Location"] == reverse("patient-log", args=[patient.pk])
    assert auditor.get(response["Location"]).status_code == 200
    assert signed_in(make.receptionist(unit)).get(url).status_code == 403


# --- Avliden ----------------------------------------------------------------------------------------------------------


def test_the_page_says_beforehand_what_will_be_ended(clinic):
    """AV-02."""
    client = signed_in(make.clinician(clinic))
    visit = make.booked_visit(care_unit=clinic, start=make.in_days(2))
    html = page(client, "patient-deceased", visit.patient).content.decode()
    assert "1 bokning avbokas" in html
    assert "1 vårdåtagande avslutas" in html


def test_a_death_is_registered_with_date_and_how_it_is_known_and_then_shows_what_it_ended(clinic):
    """AV-01, AV-02."""
    client = signed_in(make.clinician(clinic))
    visit = make.booked_visit(care_unit=clinic, start=make.in_days(2))
    url = reverse("patient-deceased", args=[visit.patient_id])
    today = local_date(now()).isoformat()
    assert client.post(url, {"deceased_on": today, "reason": "", "version": "1"}).status_code == 422
    assert client.post(url, {"deceased_on": "+3d", "reason": "Dödsbevis", "version": "1"}).status_code == 422
    visit.patient.refresh_from_db()
    assert not visit.patient.is_deceased
    response = client.post(url, {"deceased_on": today, "reason": "Dödsbevis", "version": "1"}, follow=True)
    visit.refresh_from_db()
    assert visit.status == "cancelled"
    html = response.content.decode()
    assert "1 bokning avbokad" in html
    assert "Inget är kvar att göra" in html
    assert "Ångra avliden" not in html


def test_what_is_left_to_a_person_is_listed(clinic):
    """AV-02: an ongoing contact is ended by hand."""
    client = signed_in(make.clinician(clinic))
    visit = make.arrived_visit(care_unit=clinic)
    deceased.register(
        patient_id=visit.patient_id, deceased_on=local_date(now()), by=make.UserFactory(), at=now(), reason="Dödsbevis"
    )
    html = page(client, "patient-deceased", visit.patient).content.decode()
    assert "Skriv ut eller checka ut för hand." in html


def test_support_undoes_a_death_and_is_told_what_could_not_be_restored(clinic):
    """AV-03."""
    at = now()
    visit = make.booked_visit(care_unit=clinic, start=at + timedelta(days=2), at=at)
    resource = visit.resources.get()
    deceased.register(
        patient_id=visit.patient_id, deceased_on=local_date(at), by=make.UserFactory(), at=at, reason="Dödsbevis"
    )
    make.booked_visit(care_unit=clinic, resource=resource, start=visit.start, at=at)
    url = reverse("patient-deceased-undo", args=[visit.patient_id])
    assert signed_in(make.clinician(clinic)).get(url).status_code == 403
    support = signed_in(make.staff(Role.SUPPORT, clinic))
    assert support.post(url, {"reason": ""}).status_code == 422
    response = support.post(url, {"reason": "Fel person"}, follow=True)
    visit.patient.refresh_from_db()
    assert not visit.patient.is_deceased
    assert "är tagen av någon annan" in response.content.decode()


def test_the_band_of_the_dead_offers_no_booking(desk):
    """AV-02, ui.md 3.2."""
    patient = make.patient()
    deceased.register(
        patient_id=patient.pk, deceased_on=local_date(now()), by=make.UserFactory(), at=now(), reason="Dödsbevis"
    )
    response = page(desk, "patient", patient)
    assert [link.label for link in response.context["band"].actions] == ["Byt patient"]


# --- Remisser ---------------------------------------------------------------------------------------------------------


def test_a_remiss_is_registered_reviewed_and_accepted(clinic):
    """VA-02, VA-03."""
    client = signed_in(make.clinician(clinic))
    patient = make.patient()
    today = local_date(now()).isoformat()
    fields = {"kind": "R", "referrer": "", "decision_date": "", "arrival_date": today, "problem_code": ""}
    url = reverse("referral-create", args=[patient.pk])
    assert client.post(url, fields).status_code == 422
    assert client.post(url, fields | {"referrer": "VC Öster", "arrival_date": "+2d"}).status_code == 422
    client.post(url, fields | {"referrer": "VC Öster"})
    referral = Referral.objects.get(patient=patient)
    address = reverse("referral", args=[referral.pk])
    client.post(
        address,
        {
            "step": "review",
            "review_date": today,
            "medical_target_date": "+30d",
            "days_to_first_contact": "30",
            "version": "1",
        },
    )
    referral.refresh_from_db()
    assert (referral.days_to_first_contact, referral.version) == (30, 2)
    client.post(address, {"step": "accept", "problem_code": make.problem_code().pk, "version": "2"})
    referral.refresh_from_db()
    assert referral.status == "accepted"
    assert referral.commitment.care_unit == clinic


@pytest.mark.parametrize(
    ("decision", "status"), [("return", "returned"), ("forward", "forwarded"), ("reject", "rejected")]
)
def test_a_remiss_is_otherwise_decided_with_a_reason(decision, status, clinic, unit):
    """VA-03."""
    client = signed_in(make.clinician(clinic))
    referral = make.received_referral(care_unit=clinic)
    url = reverse("referral", args=[referral.pk])
    fields = {"step": "decide", "decision": decision, "version": "1"}
    if decision == "forward":
        assert client.post(url, fields | {"reason": "Fel enhet"}).status_code == 422
        fields["to_unit"] = str(unit.pk)
    assert client.post(url, fields | {"reason": ""}).status_code == 422
    client.post(url, fields | {"reason": "Fel enhet"})
    referral.refresh_from_db()
    client.post(url, fields | {"reason": "Fel enhet"})
    assert referral.events.count() == 2  # one's own second click does nothing (PL-27)
    assert (referral.status, referral.decision_reason) == (status, "Fel enhet")


def test_a_receptionist_reads_a_remiss_but_does_not_decide(clinic):
    """REVIEW_REFERRALS is a clinician's or coordinator's."""
    client = signed_in(make.receptionist(clinic))
    referral = make.received_referral(care_unit=clinic)
    url = reverse("referral", args=[referral.pk])
    assert client.get(url).status_code == 200
    assert (
        client.post(url, {"step": "decide", "decision": "reject", "reason": "Nej", "version": "1"}).status_code == 403
    )
    referral.refresh_from_db()
    assert referral.status == "received"


def test_the_inbox_has_the_units_undecided_and_to_book(clinic, unit):
    """UT-07; a protected person's number is hidden in lists (SK-02)."""
    client = signed_in(make.receptionist(clinic))
    waiting = make.received_referral(care_unit=clinic, patient=make.protected_patient())
    accepted = make.accepted_referral(care_unit=clinic)
    make.received_referral(care_unit=unit)
    response = client.get(reverse("referrals"))
    assert [row.referral.pk for row in response.context["rows"]] == [waiting.pk]
    assert "Dold i listan" in response.content.decode()
    to_book = client.get(reverse("referrals"), {"visa": "boka"})
    assert [row.referral.pk for row in to_book.context["rows"]] == [accepted.pk]
    other = make.received_referral(care_unit=unit)
    assert client.get(reverse("referral", args=[other.pk])).status_code == 404


# --- Bad input ----------------------------------------------------------------------------------------------------------

NASTY = ["", "\0", "x" * 5000, "²", "9999-12-31", "0001-01-01", "99999999999999999999", "<b>"]
FORMS = {
    "patient-search": ("q", "birth_date"),
    "patient-create": ("identity", "given_name", "middle_name", "surname"),
    "access-log": ("identity",),
    "patient": ("phone", "interpreter_language", "version"),
    "patient-open": ("reason", "next"),
    "commitment-create": ("problem_code",),
    "referral-create": ("kind", "referrer", "decision_date", "arrival_date", "problem_code"),
    "patient-deceased": ("deceased_on", "reason", "version"),
    "patient-deceased-undo": ("reason",),
    "book": (
        "step",
        "besokstyp",
        "orsak",
        "resurs",
        "fran",
        "till",
        "onskat",
        "vardatagande",
        "begaran",
        "hallen",
        "tid",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_bad_input_never_breaks_a_page(name, clinic):
    """A sentence and the right status, never a 500; nobody is made and nobody dies of it."""
    client = signed_in(make.staff(Role.SUPPORT, clinic))
    if name == "access-log":
        client = signed_in(make.staff(Role.AUDITOR, clinic))
    patient = make.patient()
    args = [patient.pk] if name not in {"patient-search", "patient-create", "access-log"} else []
    for value in NASTY:
        for field in FORMS[name]:
            response = client.post(reverse(name, args=args), dict.fromkeys(FORMS[name], "1") | {field: value})
            assert response.status_code < 500, (field, value)
        response = client.post(reverse(name, args=args), dict.fromkeys(FORMS[name], value))
        assert response.status_code < 500, value
    assert Patient.objects.get().deceased_on is None


ADDRESSES = {
    "patient-encounters": ("vald",),
    "patient-appointments": ("bokad",),
    "patient-log": ("fore",),
    "referrals": ("visa",),
    "book": ("besokstyp", "orsak", "resurs", "fran", "till", "onskat", "begaran", "hallen"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_strange_address_never_breaks_a_page(name, clinic):
    patient = make.arrived_visit(care_unit=clinic).patient
    client = signed_in(make.staff(Role.AUDITOR if name == "patient-log" else Role.SUPPORT, clinic))
    address = reverse(name, args=[patient.pk] if name != "referrals" else [])
    for value in NASTY:
        for field in ADDRESSES[name]:
            assert client.get(address, {field: value}).status_code < 500, (field, value)


def test_a_name_that_folds_into_something_long_is_registered(desk):
    number = make.test_number()
    desk.post(
        reverse("patient-create"), {"identity": number, "given_name": "ﷺ" * 120, "middle_name": "", "surname": "Ali"}
    )
    assert Patient.objects.get(identities__value=number).given_name == "ﷺ" * 120
