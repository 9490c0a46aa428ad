"""PL-22: whatever lists, calls or writes to patients has said how it treats the dead and the protected. What there is,
is found by looking; what is new fails here until somebody has thought about it."""

import ast

import pytest
from django.db import models
from django.test.utils import isolate_apps

from registration.models import Encounter, Patient, ProblemCode
from scheduling.models import LetterKind
from sdv.common.models import change_log
from sdv.desk.api import work_lists as api_lists
from sdv.desk.presenters import work as page_lists
from sdv.desk.views import work_lists as pages
from sdv.flows import consumers, deceased
from sdv.flows.consumers import Dead, Protected
from sdv.outbox.models import Topic
from tests.clinic import EVENING, TODAY
from tests.test_repository import name, product_code, text

# Doors that show many patients at once, found by what they write in the access log, and how they treat the dead (what
# a list of bookings or requests shows ends with the cascade; a search finds the dead, marked) and the protected (all of
# it goes through the presenter).
ENDS, FOUND = "its rows end with the cascade", "shows the dead too, marked as dead"
DOORS = {
    "sdv/desk/views/day.py:_log_rows": FOUND,
    "sdv/desk/views/group_sessions.py:_context": FOUND,
    "sdv/desk/views/group_sessions.py:arrive_all": "none of the dead arrives",
    "scheduling/api/sessions.py:post": "none of the dead arrives",
    "sdv/desk/views/emergency.py:_list": FOUND,
    "sdv/desk/views/wards.py:ward": FOUND,
    "sdv/desk/views/work_lists.py:work_list": ENDS,
    "sdv/desk/views/coding.py:coding_list": FOUND,
    "sdv/desk/views/referrals.py:referrals": ENDS,
    "sdv/desk/views/referrals.py:sent": FOUND,
    "sdv/desk/views/patients.py:_unseen_doubles": FOUND,
    "sdv/desk/views/reserve.py:_likely": FOUND,
    "sdv/desk/views/reserve.py:create": FOUND,
    "registration/api/new_patients.py:post": FOUND,
    "sdv/desk/views/patients.py:search": FOUND,
    "sdv/desk/views/merging.py:_search": FOUND,
    "sdv/desk/views/booking_requests.py:_context": ENDS,
    "sdv/desk/views/palette.py:_patients": FOUND,
    "sdv/desk/api/work_lists.py:get": ENDS,
    "sdv/desk/views/deliveries.py:grouping_csv": "the dead too; nobody's name or number, a key alone",
    "sdv/desk/views/deliveries.py:download": "the register is told of the dead too; of the protected, number and sex",
    "sdv/desk/api/encounters.py:get": FOUND,
    "registration/api/referrals.py:get": FOUND,
    "registration/api/patients.py:post": FOUND,
    "registration/api/orders.py:get": FOUND,
    "scheduling/api/appointments.py:get": FOUND,
    "scheduling/api/booking_requests.py:listed": FOUND,
    "scheduling/api/commitments.py:get": FOUND,
    "scheduling/api/contact_attempts.py:get": FOUND,
    "scheduling/api/absences.py:get": ENDS,
    "scheduling/api/reviewers.py:get": FOUND,
    "scheduling/api/work_items.py:get": ENDS,
    "scheduling/api/offers.py:get": ENDS,
    "scheduling/api/invitations.py:get": FOUND,
    "scheduling/api/working.py:post": ENDS,
    "scheduling/api/days.py:shown": FOUND,
    "sdv/desk/views/day_close.py:_context": FOUND,
    "sdv/desk/views/working.py:_changed": ENDS,
    "sdv/desk/views/many_invitations.py:page": "the dead are told as misfits; shown through the presenter",
    "sdv/desk/views/many_invitations.py:create": "none of the dead is invited (PL-22)",
    "scheduling/api/invitations.py:post": "as above",
    "sdv/desk/views/wait_letters.py:create": "the dead are told as misfits; shown through the presenter",
    "sdv/desk/views/wait_letters.py:_received": "none of the dead is written to (PL-22)",
    "scheduling/api/wait_letters.py:post": "as above",
    "sdv/desk/views/offers.py:freed_time": ENDS,
    "scheduling/api/letters.py:get": FOUND,
    "sdv/desk/views/letter_list.py:letters": "unsent ones to the dead have been stopped; the protected by their marking",
    "sdv/desk/views/letter_list.py:print_letters": "each letter is asked for: none to the dead, none with an address",
    "sdv/desk/views/letter_list.py:confirm_letters": "as above",
}


def test_every_table_with_something_of_a_patient_has_said_how_it_treats_the_dead_and_the_protected():
    """PL-22"""
    assert consumers.unregistered() == []
    held = {model._meta.label for model in consumers.holders()}
    assert set(consumers.TABLES) == held, "a table that no longer is there, or holds nothing of a patient"


@isolate_apps("registration")
def test_a_table_that_forgets_them_is_found():
    """PL-22"""

    class Reminder(models.Model):
        patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")

        class Meta:
            app_label = "registration"

    class Call(models.Model):
        patient_id = models.UUIDField()

        class Meta:
            app_label = "registration"

    class Room(models.Model):
        class Meta:
            app_label = "registration"

    class Companion(models.Model):
        encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="+")
        name = models.CharField(max_length=80)

        class Meta:
            app_label = "registration"
            triggers = change_log(personal=True)

    forgotten = ["registration.Call", "registration.Companion", "registration.Reminder"]
    assert consumers.unregistered([Reminder, Call, Room, Companion]) == forgotten


def test_every_work_list_has_said_it():
    """PL-22: by REST and on the pages."""
    listed = set(api_lists.LISTS) | set(page_lists.LISTS) | set(pages.ELSEWHERE)
    assert set(consumers.LISTS) == listed


def test_every_message_has_said_it():
    """PL-22"""
    assert set(consumers.TOPICS) == set(Topic.values)


def test_every_kind_of_letter_has_said_it():
    """PL-22: one kind remains possible for the dead, none for the protected (KA-05)."""
    assert set(consumers.LETTERS) == set(LetterKind.values)
    assert [kind for kind, treatment in consumers.LETTERS.items() if treatment.dead != Dead.NOT_SENT] == [
        "to_relatives"
    ]
    assert {treatment.protected for treatment in consumers.LETTERS.values()} == {Protected.NOT_SENT}


def test_what_is_not_sent_to_the_dead_is_not_sent_to_the_protected_without_mediation():
    """PL-22, KA-05: what goes to the patient heeds both."""
    for treatment in consumers.TOPICS.values():
        assert (treatment.dead == Dead.NOT_SENT) == (treatment.protected == Protected.NOT_SENT)


def listing_doors():
    """file:function of every call that logs the reading of many patients at once."""
    for path in product_code():
        for function in ast.walk(ast.parse(text(path))):
            if not isinstance(function, ast.FunctionDef):
                continue
            inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef) and node is not function]
            deeper = {node for each in inner for node in ast.walk(each)}
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and call not in deeper and _logs_many(call):
                    yield f"{name(path)}:{function.name}"


def _logs_many(call):
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called == "log_access":
        who = next((keyword.value for keyword in call.keywords if keyword.arg == "patients"), None)
    elif called == "log" and call.args:
        who = call.args[0]
    else:
        return False
    is_one = isinstance(who, ast.List) and len(who.elts) == 1
    return who is not None and not is_one and "seen_patients" not in ast.unparse(who)


def test_every_door_that_lists_patients_has_said_it():
    """PL-22"""
    assert set(listing_doors()) == set(DOORS)


@pytest.mark.parametrize("table", [consumers.TABLES, consumers.LISTS, consumers.TOPICS, consumers.LETTERS])
def test_what_is_left_as_it_is_for_the_dead_says_why(table):
    """PL-22, AV-02"""
    silent = [
        each
        for each, treatment in table.items()
        if treatment.dead in (Dead.LEFT, Dead.ALLOWED) and not treatment.why and treatment.protected != Protected.PURGED
    ]
    assert silent == []


def test_what_is_said_to_end_has_a_consumer_in_the_cascade_and_the_other_way_round():
    """PL-22, AV-02"""
    said = {label for label, treatment in consumers.TABLES.items() if treatment.dead in (Dead.ENDS, Dead.NOT_SENT)}
    assert {consumer.model._meta.label for consumer in deceased.CONSUMERS} == said


def in_list(listed, patient, at):
    """How many rows of the list, at any unit, are about the patient."""
    return api_lists.LISTS[listed]["rows"](at).filter(patient=patient).count()


def test_what_is_said_to_end_stands_in_no_list_after_the_death(clinic, patient):
    """PL-22, AV-02: each list held the patient before; a new list is put in the fixture, or fails."""
    gone = {name for name, treatment in consumers.LISTS.items() if treatment.dead == Dead.ENDS}
    unplanned = clinic.commitment(patient, ProblemCode.objects.order_by("code")[2])
    unplanned.referrals.update(status="used")
    before = {name: in_list(name, patient, EVENING) for name in gone}
    assert all(before.values()), before
    deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=EVENING)
    assert {name: in_list(name, patient, EVENING) for name in gone} == dict.fromkeys(gone, 0)
