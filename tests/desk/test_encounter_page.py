"""The page of a vårdhändelse: Förlopp, what can be done and why not, and the correcting acts (VH-12, VH-16, VH-21,
VH-24, PL-13, ui.md 4.9)."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registration import lifecycle
from registration.actions import facts as told
from registration.encounter_types import TYPES
from registration.models import Encounter, EncounterHistory
from registration.type_choice import DROP_IN
from scheduling.actions import appointments
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import now
from sdv.desk import encounter_actions
from sdv.desk.encounter_actions import Done, Facts, judged

from .. import factories
from .signed_in import signed_in

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
EVERYTHING = list(encounter_actions.OFFERED)


@pytest.fixture
def clinic(db):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def support(clinic):
    return factories.staff(Role.SUPPORT, clinic)


def page(user, encounter):
    response = signed_in(user).get(reverse("encounter", args=[encounter.pk]))
    assert response.status_code == 200
    return response.content.decode()


def steps(text):
    """The timeline as a person reads it: (word, state)."""
    line = text.split('<ol class="line"')[1].split("</ol>")[0]
    return [(word, state) for state, word in re.findall(r'<li class="(\w+)"[^>]*><b>([^<]+)</b>', line)]


def allowed(user, encounter):
    found = encounter_actions.possible(encounter, actor=factories.actor_of(user), at=now())
    return [one.action for one in found if one.allowed]


def fresh(encounter):
    return Encounter.objects.select_related("type", "care_unit", "visit_type").get(pk=encounter.pk)


# --- Förlopp ----------------------------------------------------------------------------------------------------------


def test_the_timeline_says_what_has_been_done_where_it_stands_and_what_comes(clinic, support):
    """ui.md 4.9."""
    visit = factories.arrived_visit(care_unit=clinic, by=support)
    text = page(support, visit.encounter)
    assert steps(text) == [
        ("Bokad", "done"), ("Ankommen", "now"), ("Utcheckad", "next"), ("Avslutad", "next"), ("Kodad", "next")
    ]  # fmt: skip
    assert 'aria-current="step"' in text
    assert support.name in text.split('<ol class="line"')[1].split("</ol>")[0]


def test_a_drop_in_begins_without_a_booking_and_primary_care_checks_itself_out():
    """VH-03, VH-15."""
    unit = factories.HealthCentreFactory()
    user = factories.clinician(unit)
    encounter = factories.unbooked_visit(care_unit=unit, situation=DROP_IN, by=user)
    assert [word for word, _ in steps(page(user, encounter))] == ["Påbörjad", "Utcheckad", "Avslutad", "Kodad"]
    ended = factories.ended_visit(care_unit=unit)
    text = page(user, ended)
    assert steps(text)[-2:] == [("Avslutad", "now"), ("Kodad", "next")]
    assert "Automatiskt" in text


def test_a_no_show_is_not_coded(clinic, support):
    """VH-11, VH-20."""
    visit = factories.no_show(care_unit=clinic)
    text = page(support, visit.encounter)
    assert steps(text) == [("Bokad", "done"), ("Utebliven", "now"), ("Avslutad", "next")]
    assert "Kom inte" in text and "Utebliven bokad kontakt" in text
    assert "klassificeras inte" in text


def test_a_cancelled_visit_ends_where_it_was_cancelled(clinic, support):
    """VH-11."""
    visit = factories.cancelled_visit(care_unit=clinic)
    assert steps(page(support, visit.encounter)) == [("Bokad", "done"), ("Avbokad", "done")]


def test_what_deviated_from_the_plan_is_told_in_words(clinic, support):
    """ui.md 4.9: rescheduled and undone acts are tags; the whole trace stands below (VH-21)."""
    visit = factories.booked_visit(care_unit=clinic, by=support)
    appointments.reschedule(
        appointment_id=visit.pk, start=visit.start + 60 * MINUTE, end=visit.end + 60 * MINUTE, by=support, at=now()
    )
    text = page(support, visit.encounter)
    assert "Ombokad" in text and "Ombokning" in text and " från 2" in text.replace(">från", "> från")
    appointments.arrive(appointment_id=visit.pk, by=support, at=now())
    appointments.undo(appointment_id=visit.pk, by=support, at=now(), reason="Fel patient")
    text = page(support, visit.encounter)
    assert [word for word, _ in steps(text)][:2] == ["Bokad", "Ankommen"]
    assert steps(text)[1][1] == "next"
    assert "Ankomst ångrad" in text and "Fel patient" in text


def test_the_facts_of_a_protected_patient_leave_out_payer_and_listing(clinic, support):
    """SK-02."""
    for protection, expected in (("", True), ("sekretessmarkering", False)):
        patient = factories.patient(protection=protection, payer="Region Provning", listing_unit="Vårdcentralen Väst")
        visit = factories.arrived_visit(
            care_unit=clinic, patient=patient, resource=factories.ResourceFactory(care_unit=clinic)
        )
        Encounter.objects.filter(pk=visit.encounter_id).update(payer="Region Provning", listing_unit="Listan")
        assert ("Region Provning" in page(support, visit.encounter)) is expected


def test_the_title_never_holds_a_name(clinic, support):
    visit = factories.arrived_visit(care_unit=clinic)
    assert "<title>Sp Läk Återbesök" in page(support, visit.encounter)


def test_reading_is_logged_with_what_was_read(clinic, support):
    visit = factories.arrived_visit(care_unit=clinic)
    page(support, visit.encounter)
    entry = AccessLogEntry.objects.get(user=support)
    assert (entry.patient_id, entry.what, entry.resource_id) == (visit.patient_id, "vårdhändelse", visit.encounter_id)


def test_another_units_vardhandelse_does_not_exist_here(support):
    visit = factories.arrived_visit(care_unit=factories.SpecialisedClinicFactory())
    client = signed_in(support)
    for name in ("encounter", "encounter-discharge", "encounter-annul", "encounter-reopen", "encounter-change-type"):
        assert client.get(reverse(name, args=[visit.encounter_id])).status_code == 404
        if name != "encounter":
            assert client.post(reverse(name, args=[visit.encounter_id]), {"reason": "x"}).status_code == 404
    assert client.post(reverse("encounter-undo", args=[visit.encounter_id, "undo-arrival"])).status_code == 404
    visit.encounter.refresh_from_db()
    assert visit.encounter.status == "in_progress"


def test_the_page_costs_few_queries(clinic, support):
    visit = factories.checked_out_visit(care_unit=clinic)
    client = signed_in(support)
    client.get(reverse("encounter", args=[visit.encounter_id]))
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("encounter", args=[visit.encounter_id]))
    assert len(captured) <= 29


# --- What can be done -------------------------------------------------------------------------------------------------


def test_each_state_offers_what_the_rules_allow(clinic, support):
    """VH-24: the buttons come from the refusal functions that the actions raise."""
    resource = factories.ResourceFactory(care_unit=clinic)
    booked = factories.booked_visit(care_unit=clinic, resource=resource)
    assert allowed(support, fresh(booked.encounter)) == ["arrive", "reschedule", "cancel", "discharge", "annul"]
    appointments.arrive(appointment_id=booked.pk, by=support, at=now())
    assert allowed(support, fresh(booked.encounter)) == [
        "check_out",
        "participants",
        "interpreter",
        "undo_arrival",
        "change_type",
        "annul",
    ]
    factories.check_visit_out(fresh(booked.encounter), outcome="await_result", by=support)
    assert allowed(support, fresh(booked.encounter)) == [
        "code",
        "participants",
        "interpreter",
        "undo_check_out",
        "change_type",
    ]
    ended = factories.ended_visit(care_unit=clinic)
    assert allowed(support, fresh(ended)) == ["code", "participants", "interpreter", "reopen"]


def test_every_refusal_says_why_and_by_which_rule(clinic, support):
    visit = factories.checked_out_visit(care_unit=clinic)
    found = encounter_actions.possible(fresh(visit.encounter), actor=factories.actor_of(support), at=now())
    refused = [one for one in found if not one.allowed]
    assert refused
    assert all(one.reason.endswith(".") and re.fullmatch(r"[A-Z]{2}-\d\d", one.rule) for one in refused)
    annul = next(one for one in refused if one.action == "annul")
    assert (annul.rule, annul.reason) == (
        "VH-12",
        "Besöket är utcheckat med ett utfall. Ångra utcheckningen först.",
    )


def test_what_is_judged_is_what_the_action_does(clinic, support):
    """One function answers everyone: the act a button refuses is refused by the action with the same rule."""
    visit = factories.checked_out_visit(care_unit=clinic)
    annulled = signed_in(support).post(reverse("encounter-annul", args=[visit.encounter_id]), {"reason": "Fel"})
    assert annulled.status_code == 409
    assert "Ångra utcheckningen först" in annulled.content.decode() and "VH-12" in annulled.content.decode()


def facts(**changes):
    """An arrived specialist visit, done by nobody yet."""
    known = {
        "type": TYPES[lifecycle.SPECIALISED],
        "status": "in_progress",
        "is_reopened": False,
        "is_booked": False,
        "has_appointment": True,
        "planned_start": now(),
        "cancelled_at": None,
        "has_outcome": False,
        "emptiness": None,
        "done": {},
    }
    return Facts(**known | changes)


ME, ANOTHER = SimpleNamespace(pk=1, name="Maria Ek"), SimpleNamespace(pk=2, name="Sara Norén")


@pytest.mark.parametrize(
    ("done_by", "minutes", "may_correct", "is_allowed", "needs_reason"),
    [
        (ME, 0, False, True, False),
        (ME, 5, False, True, False),
        (ME, 6, False, False, True),
        (ANOTHER, 1, False, False, True),
        (None, 1, False, False, True),
        (ME, 6, True, True, True),
        (ANOTHER, 1, True, True, True),
        (ME, 2, True, True, False),
    ],
)
def test_one_takes_back_ones_own_within_five_minutes_others_correct_with_a_reason(
    done_by, minutes, may_correct, is_allowed, needs_reason
):
    """PL-13."""
    at = now()
    known = facts(done={lifecycle.Move.ARRIVE: Done(done_by, at - minutes * MINUTE)})
    may = lambda permission: permission != encounter_actions.Permission.CORRECT or may_correct  # noqa: E731
    found = {one.action: one for one in judged(known, may=may, by=ME, at=at)}
    undo = found["undo_arrival"]
    assert undo.allowed is is_allowed
    assert encounter_actions.needs_reason("undo_arrival", known, by=ME, at=at) is needs_reason
    if not is_allowed:
        assert undo.rule == "PL-13" and "support" in undo.reason


def test_without_permission_nothing_is_offered():
    found = judged(facts(), may=lambda permission: False, by=ME, at=now())
    assert [one for one in found if one.allowed] == []
    assert {(one.rule, one.reason) for one in found} == {("", "Ditt uppdrag ger inte rätt att göra detta.")}


# --- The acts ---------------------------------------------------------------------------------------------------------


def test_annulling_asks_for_a_reason_and_frees_the_time(clinic, support):
    """VH-12."""
    visit = factories.arrived_visit(care_unit=clinic)
    client, address = signed_in(support), reverse("encounter-annul", args=[visit.encounter_id])
    assert client.get(address).status_code == 200
    refused = client.post(address, {"reason": ""})
    assert refused.status_code == 422 and "Ange varför." in refused.content.decode()
    assert fresh(visit.encounter).status == "in_progress"
    assert client.post(address, {"reason": "Fel patient"}).status_code == 302
    encounter = fresh(visit.encounter)
    assert (encounter.type_id, encounter.status) == (lifecycle.ANNULLED, "ended")
    text = client.get(reverse("encounter", args=[encounter.pk])).content.decode()
    assert "Vårdhändelsen är annullerad för" in text and "Fel patient" in text
    assert [word for word, _ in steps(text)] == ["Bokad", "Ankommen", "Annullerad"]


@pytest.mark.parametrize("what", ["note", "cash"])
def test_annulling_is_refused_with_what_stands_in_the_way(clinic, support, what):
    """VH-12."""
    visit = factories.arrived_visit(care_unit=clinic)
    if what == "note":
        told.report_document(encounter_id=visit.encounter_id, kind="Anteckning", external_id="A1", by=support, at=now())
    else:
        told.report_cash_transaction(
            encounter_id=visit.encounter_id, external_id="K1", amount=200, by=support, at=now()
        )
    response = signed_in(support).post(reverse("encounter-annul", args=[visit.encounter_id]), {"reason": "Fel"})
    assert response.status_code == 409
    assert {"note": "journaldokumentation", "cash": "kassatransaktioner"}[what] in response.content.decode()
    assert fresh(visit.encounter).status == "in_progress"


def test_ending_by_hand_gives_the_contact_its_end(clinic, support):
    """VH-22: a pre-registration that nothing came of."""
    visit = factories.booked_visit(care_unit=clinic)
    assert signed_in(support).post(reverse("encounter-discharge", args=[visit.encounter_id])).status_code == 302
    assert fresh(visit.encounter).status == "ended"


def test_what_ends_by_itself_is_not_ended_by_hand():
    """VH-16."""
    unit = factories.HealthCentreFactory()
    encounter = factories.unbooked_visit(care_unit=unit, situation=DROP_IN)
    client = signed_in(factories.clinician(unit))
    response = client.post(reverse("encounter-discharge", args=[encounter.pk]))
    assert response.status_code == 409
    assert "skrivs ut av sig själv kl. 23.59" in response.content.decode() and "VH-16" in response.content.decode()


def test_an_ended_contact_is_opened_again_by_those_who_correct(clinic, support):
    """PL-13, VH-21."""
    ended = factories.ended_visit(care_unit=clinic)
    address = reverse("encounter-reopen", args=[ended.pk])
    clinician = signed_in(factories.clinician(clinic))
    assert clinician.get(address).status_code == 403
    assert clinician.post(address, {"reason": "x"}).status_code == 403
    assert fresh(ended).status == "ended"
    client = signed_in(support)
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "Fel utfall"}).status_code == 302
    encounter = fresh(ended)
    assert (encounter.status, encounter.is_reopened, encounter.end) == ("checked_out", True, None)
    text = page(support, encounter)
    assert "Öppnad igen" in text and "Fel utfall" in text


def test_a_change_of_type_is_only_to_those_that_the_rules_have(clinic, support):
    """VH-24."""
    visit = factories.arrived_visit(care_unit=clinic)
    client, address = signed_in(support), reverse("encounter-change-type", args=[visit.encounter_id])
    assert "rum/säng/stol" in client.get(address).content.decode()
    refused = client.post(address, {"new_type": lifecycle.INPATIENT})
    assert refused.status_code == 422
    assert fresh(visit.encounter).type_id == lifecycle.SPECIALISED
    assert client.post(address, {"new_type": lifecycle.SPECIALISED_WITH_PLACE}).status_code == 302
    assert fresh(visit.encounter).type_id == lifecycle.SPECIALISED_WITH_PLACE


@pytest.mark.parametrize(
    ("action", "made", "status"),
    [
        ("undo-arrival", factories.arrived_visit, "planned"),
        ("undo-no-show", factories.no_show, "planned"),
        ("undo-check-out", factories.checked_out_visit, "in_progress"),
    ],
)
def test_one_takes_back_what_one_has_just_done(clinic, action, made, status):
    """PL-13: one's own, at once, without a reason."""
    user = factories.clinician(clinic)
    visit = made(care_unit=clinic, by=user)
    response = signed_in(user).post(reverse("encounter-undo", args=[visit.encounter_id, action]))
    assert response.status_code == 302
    assert fresh(visit.encounter).status == status


def test_another_persons_act_is_not_taken_back_but_by_those_who_correct(clinic, support):
    """PL-13, PL-27."""
    visit = factories.arrived_visit(care_unit=clinic, by=factories.receptionist(clinic, name="Maria Ek"))
    address = reverse("encounter-undo", args=[visit.encounter_id, "undo-arrival"])
    another = signed_in(factories.receptionist(clinic))
    refused = another.post(address, {"reason": "Jag vill"})
    assert refused.status_code == 409
    assert "Maria Ek" in refused.content.decode() and "PL-13" in refused.content.decode()
    corrector = signed_in(support)
    assert corrector.post(address).status_code == 422, "a correction says why"
    assert fresh(visit.encounter).status == "in_progress"
    assert corrector.post(address, {"reason": "Fel patient"}).status_code == 302
    assert fresh(visit.encounter).status == "planned"


def test_ones_own_repeated_click_says_nothing_anothers_is_told_who_was_first(clinic, support):
    """PL-27."""
    visit = factories.booked_visit(care_unit=clinic)
    address = reverse("encounter-discharge", args=[visit.encounter_id])
    client = signed_in(support)
    assert [client.post(address).status_code for _ in range(2)] == [302, 302]
    told = signed_in(factories.coordinator(clinic)).post(address)
    assert told.status_code == 409 and support.name in told.content.decode()
    assert EncounterHistory.objects.filter(encounter=visit.encounter, move="discharge").count() == 1


def test_an_undo_that_does_not_exist_is_not_found(clinic, support):
    visit = factories.arrived_visit(care_unit=clinic)
    assert signed_in(support).get(reverse("encounter-undo", args=[visit.encounter_id, "undo-birth"])).status_code == 404


def test_the_forms_are_sheets_for_htmx_and_pages_without(clinic, support):
    """ui.md 1.3: every fragment view answers a full page when HX-Request is absent."""
    visit = factories.arrived_visit(care_unit=clinic)
    client, address = signed_in(support), reverse("encounter-annul", args=[visit.encounter_id])
    sheet = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in sheet and 'hx-post="' in sheet
    whole = client.get(address).content.decode()
    assert "<html" in whole and "<h1" in whole
    saved = client.post(address, {"reason": "Fel"}, headers={"HX-Request": "true"})
    assert saved["HX-Redirect"] == reverse("encounter", args=[visit.encounter_id])


def test_who_takes_part_is_chosen_on_the_page_and_told_in_its_history():
    """BO-02: a main responsible, others of the unit, and one from elsewhere by HSA-id."""
    unit = factories.HealthCentreFactory()
    doctor, nurse = (factories.ResourceFactory(care_unit=unit, profession=each).practitioner for each in ("Läk", "Ssk"))
    elsewhere = factories.PractitionerFactory(abbreviation="Läk")
    visit = factories.unbooked_visit(care_unit=unit)
    desk = signed_in(factories.staff(Role.RECEPTIONIST, unit))
    page = desk.get(reverse("encounter", args=[visit.pk]))
    assert "Ange medverkande" in [button.label for button in page.context["allowed"]]
    path = reverse("encounter-participants", args=[visit.pk])
    form = desk.get(path).context["form"]
    assert set(form.fields["others"].queryset) == {doctor, nurse}
    refused = desk.post(path, {"elsewhere": "SE-okänd"})
    assert refused.status_code == 422
    assert "Välj vem som är huvudansvarig." in refused.content.decode()
    assert "Ingen medarbetare har det HSA-id:t." in refused.content.decode()
    assert not visit.participants.exists()
    data = {"main": nurse.pk, "others": [doctor.pk, nurse.pk], "elsewhere": elsewhere.hsa_id}
    assert desk.post(path, data).status_code == 302
    rows = visit.participants.order_by("-is_main_responsible", "id").values_list("practitioner", "is_main_responsible")
    assert list(rows) == [(nurse.pk, True), (doctor.pk, False), (elsewhere.pk, False)]
    page = desk.get(reverse("encounter", args=[visit.pk]))
    facts = dict(page.context["facts"])
    assert facts["Medverkande"].startswith(f"{nurse}, Sjuksköterska (huvudansvarig), {doctor}, Läkare")
    assert page.context["events"][0].text == "Ändring av medverkande"
    assert set(desk.get(path).context["form"].fields["others"].queryset) == {doctor, nurse, elsewhere}


def test_an_interpreter_is_told_on_the_page_also_after_the_end():
    """KL-04, VH-21: the same act on the page and by REST; the derived code follows."""
    unit = factories.HealthCentreFactory()
    visit = factories.ended_visit(care_unit=unit)
    desk = signed_in(factories.staff(Role.RECEPTIONIST, unit))
    path = reverse("encounter-interpreter", args=[visit.pk])
    assert "Tolk användes" in desk.get(path).content.decode()
    assert desk.post(path, {"used": "on"}).status_code == 302
    page = desk.get(reverse("encounter", args=[visit.pk]))
    assert dict(page.context["facts"])["Tolk"] == "Användes"
    assert page.context["events"][0].text == "Ändring av tolk"
    assert desk.get(path).context["form"].initial == {"used": True}
