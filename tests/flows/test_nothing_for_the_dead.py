"""AV-02: everything that creates for a patient refuses the dead, whatever the act, and nothing has changed; also between
the mark of a register and the cascade of the job."""

import ast
from datetime import timedelta

import pytest

from registration import type_choice
from registration.actions import admissions, encounters, orders, referrals
from registration.models import CareCommitment, Encounter, Order, Referral
from scheduling.actions import appointments, commitments, invitations, offers, work_items
from scheduling.models import Appointment, AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem
from sdv.common.errors import RuleError
from sdv.flows import cancellation, consumers, correction, deceased, invariants
from sdv.flows.consumers import Dead
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, EVENING, HALF_HOUR, NOW, TODAY, Clinic
from tests.flows.test_deceased import state
from tests.test_repository import name, product_code, text


def wish(clinic):
    return {
        "visit_type": clinic.nurse_visit,
        "contact_reason": clinic.reason,
        "wished_from": TODAY,
        "wished_to": TODAY + 30 * DAY,
    }


def everything_that_creates(clinic, patient):
    """name of the act → the act, for a patient with one of everything. Those marked with a star make no row of a table
    that ends with the death, but a plan all the same."""
    at = {"by": clinic.doctor, "at": EVENING}
    here = {"patient_id": patient.pk, "care_unit": clinic.unit, **at}
    booked = Appointment.objects.living().filter(patient=patient).order_by("start").first()
    waiting = BookingRequest.objects.waiting().filter(patient=patient).first()
    order = Order.objects.planned().get(patient=patient)
    received = Referral.objects.filter(patient=patient, status="received").get()
    commitment = CareCommitment.objects.filter(patient=patient).first()
    item = MissingFollowUp.objects.open().get(patient=patient)
    watched = AwaitedResult.objects.open().get(patient=patient)
    missed = NoShowItem.objects.open().get(patient=patient)
    inpatient = Clinic(kind="slutenvard", area="Sp", name="Avdelning 7").unit
    decide = {"decision": work_items.FOLLOW_UP, "follow_up": wish(clinic), **at}
    start = NOW + 5 * DAY

    def book(**fields):
        return clinic.book(patient, start, at=EVENING, **fields)

    return {
        "book": book,
        "book from a request": lambda: book(booking_request_id=waiting.pk, visit_type=waiting.visit_type),
        "reschedule*": lambda: appointments.reschedule(
            appointment_id=booked.pk, start=start, end=start + HALF_HOUR, **at
        ),
        "arrive*": lambda: appointments.arrive(appointment_id=booked.pk, **at | {"at": booked.start}),
        "drop in": lambda: encounters.register_unbooked(**here, situation=type_choice.DROP_IN),
        "contact without visit": lambda: encounters.register_unbooked(
            **here, situation=type_choice.CONTACT_WITHOUT_VISIT, contact_form="phone"
        ),
        "direct admission": lambda: encounters.register_unbooked(
            **here | {"care_unit": inpatient}, situation=type_choice.DIRECT_ADMISSION
        ),
        "plan admission": lambda: admissions.plan_admission(
            **here | {"care_unit": inpatient}, expected_start=EVENING + DAY
        ),
        "register a remiss": lambda: referrals.register(**here, kind="E", arrival_date=TODAY),
        "accept a remiss": lambda: referrals.accept(referral_id=received.pk, problem_code=clinic.problem, **at),
        "open a commitment": lambda: commitments.open_for(**here, problem_code=clinic.problem),
        "reopen a commitment*": lambda: commitments.reopen(commitment_id=commitment.pk, reason="Prov", **at),
        "request a booking": lambda: work_items.request_booking(**here, **wish(clinic)),
        "follow up a missing": lambda: work_items.decide(model=MissingFollowUp, item_id=item.pk, **decide),
        "follow up a result": lambda: work_items.decide(model=AwaitedResult, item_id=watched.pk, **decide),
        "follow up a no-show": lambda: work_items.decide(model=NoShowItem, item_id=missed.pk, **decide),
        "await an answer": lambda: work_items.await_answer(
            request_id=waiting.pk, reason=clinic.outcome_reason("await_result"), **at
        ),
        "offer a time": lambda: offers.make(
            subject="booking_request", row_id=waiting.pk, resource_id=clinic.nurse_resource.pk, start=start, **at
        ),
        "send an öppen kallelse": lambda: invitations.invite(
            subject="booking_request", row_id=waiting.pk, last_day=TODAY + 7 * DAY, **at
        ),
        "order": lambda: orders.place(**here, what="Prov", planned_on=TODAY + DAY),
        "activate an order": lambda: orders.activate(order_id=order.pk, **at),
    }


ACTS = [
    "book",
    "book from a request",
    "reschedule*",
    "arrive*",
    "drop in",
    "contact without visit",
    "direct admission",
    "plan admission",
    "register a remiss",
    "accept a remiss",
    "open a commitment",
    "reopen a commitment*",
    "request a booking",
    "follow up a missing",
    "follow up a result",
    "follow up a no-show",
    "await an answer",
    "offer a time",
    "send an öppen kallelse",
    "order",
    "activate an order",
]


@pytest.mark.parametrize("act", ACTS)
def test_it_is_refused_and_nothing_has_changed(clinic, patient, act):
    """AV-02: before the cascade has run, so that what is there would have allowed it."""
    acts = everything_that_creates(clinic, patient)
    assert list(acts) == ACTS
    deceased.mark(patient_id=patient.pk, deceased_on=TODAY, by=None, at=EVENING, source="pu")
    before = state(patient)
    with pytest.raises(RuleError) as refused:
        acts[act]()
    assert (refused.value.rule, refused.value.code) == ("AV-02", "deceased")
    assert state(patient) == before


# Every function of the actions that makes a row of a table that ends with the death, and where it is refused.
CREATORS = {
    "registration/actions/encounters.py:create": "by those who call it: bookings, unbooked contacts, admissions",
    "registration/actions/orders.py:place": "itself",
    "registration/actions/referrals.py:register": "itself",
    "registration/actions/referrals.py:forward": "itself",
    "registration/actions/commitments.py:open_commitment": "accept and open_for",
    "registration/actions/historical.py:_write": "what was before, of an earlier system: of the dead too (VH-14)",
    "scheduling/actions/booking.py:create_visit": "who_and_what, which every kind of booking begins with",
    "scheduling/actions/commitments.py:open_for": "itself",
    "scheduling/actions/work_items.py:create_request": "request_booking, decide, and check-out of the dead",
    "scheduling/actions/work_items.py:await_answer": "itself",
    "scheduling/actions/work_items.py:wait_again": "makes nothing for the dead",
    "scheduling/actions/work_items.py:create_no_show_item": "makes nothing for the dead",
    "scheduling/actions/offers.py:make": "itself",
    "scheduling/actions/invitations.py:invite": "itself",
    "scheduling/actions/rebooking.py:put": "of a booking that is there; it ends with the booking",
    "scheduling/actions/check_out.py:_await": "check-out of the dead",
    "scheduling/actions/check_out.py:_nothing_further": "makes nothing for the dead",
    "scheduling/actions/letters.py:write_to_relatives": "for the dead alone (PL-22)",
    "scheduling/actions/letter_writing.py:_save": "nothing is written to the dead; a copy with its address is refused (PL-22)",
}


def creators():
    ending = {
        label.split(".")[1] for label, each in consumers.TABLES.items() if each.dead in (Dead.ENDS, Dead.NOT_SENT)
    }
    for path in product_code():
        if not ("/actions/" in name(path) or name(path).startswith("sdv/flows/")):
            continue
        for function in ast.walk(ast.parse(text(path))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                is_made = isinstance(node, ast.Attribute) and node.attr in {"create", "bulk_create", "get_or_create"}
                if is_made and ast.unparse(node.value).removesuffix(".objects") in ending:
                    yield f"{name(path)}:{function.name}"


def test_every_function_that_creates_for_a_patient_stands_in_the_table():
    """AV-02, PL-22: a new one fails here until it refuses the dead, and a test above shows it."""
    assert set(creators()) == set(CREATORS)


def test_an_utebliven_after_the_death_is_refused_and_the_provider_cancels(clinic):
    """AV-02: never Utebliven, whoever says that the patient did not come; and the dead are told nothing."""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.book(patient, EVENING - HALF_HOUR, at=NOW - DAY)
    deceased.mark(patient_id=patient.pk, deceased_on=TODAY - DAY, by=None, at=EVENING, source="pu")
    before = state(patient)
    fields = {"appointment_id": visit.pk, "by": clinic.nurse, "at": EVENING}
    for act in (
        lambda: appointments.no_show(**fields),
        lambda: cancellation.cancel(**fields | {"at": NOW}, cancelled_by="patient", reason="Ringde"),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code) == ("AV-02", "deceased")
    assert state(patient) == before
    cancellation.cancel(**fields, cancelled_by="provider", reason="Avliden")
    visit.refresh_from_db()
    assert (visit.status, visit.encounter.type_id) == ("cancelled", "annullerad")
    assert OutboxMessage.objects.count() == BookingRequest.objects.waiting().count() == 0


def test_a_booking_after_the_day_of_the_death_is_cancelled_though_its_time_has_passed(clinic):
    """AV-02: told late, the death ends what nobody had dealt with since; one of the same day is left to people."""
    patient = clinic.patient()
    clinic.commitment(patient, at=NOW - 9 * DAY)
    same_day = clinic.book(patient, NOW - 3 * DAY, at=NOW - 8 * DAY)
    after = clinic.book(patient, NOW - 2 * DAY, at=NOW - 8 * DAY)
    before = state(patient)
    cascade = deceased.register(
        patient_id=patient.pk, deceased_on=TODAY - 3 * DAY, reason="Dödsbevis", by=clinic.doctor, at=NOW
    )
    assert Appointment.objects.get(pk=after.pk).status == "cancelled"
    assert Appointment.objects.get(pk=same_day.pk).status == "booked"
    assert deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING) == []
    assert state(patient) == before
    assert cascade.changes.filter(consumer="appointment").count() == 1


def test_a_booking_begun_while_the_cascade_waited_ends_with_it(clinic):
    """AV-02: told at nine, the job came at ten."""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.book(patient, NOW + HALF_HOUR)
    deceased.mark(patient_id=patient.pk, deceased_on=TODAY, by=None, at=NOW, source="pu")
    deceased.run_pending(at=NOW + timedelta(hours=1))
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by) == ("cancelled", "provider")


def test_what_is_taken_back_for_the_dead_leaves_nothing_to_book(clinic):
    """AV-02, VA-04, PL-13: an annulled visit, an arrival undone, an annulled activation."""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient)
    order = orders.place(
        patient_id=patient.pk, care_unit=clinic.unit, what="Prov", planned_on=TODAY, by=clinic.doctor, at=NOW
    )
    activated = orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW)
    deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    for encounter in (visit.encounter, activated.encounter):
        cancellation.annul(encounter_id=encounter.pk, reason="Fel", by=clinic.doctor, at=EVENING)
    assert Referral.objects.to_book().count() == Order.objects.planned().count() == 0
    assert BookingRequest.objects.waiting().count() == 0
    assert Encounter.objects.filter(status="planned").count() == 0
    assert CareCommitment.objects.open().count() == 0
    broken = {each.name for each in invariants.INVARIANTS if each.rows(EVENING).exists()}
    assert broken == set()
    deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING)
    assert Referral.objects.to_book().count() == Order.objects.planned().count() == 1
    assert {each.name for each in invariants.INVARIANTS if each.rows(EVENING).exists()} == set()


def test_an_utebliven_after_the_death_is_corrected_in_one_act(clinic):
    """AV-02, PL-13: undone, it is the provider's cancellation; nobody is called, and the list is empty."""
    patient = clinic.patient()
    clinic.commitment(patient, at=NOW - 9 * DAY)
    missed = clinic.book(patient, NOW - DAY, at=NOW - 8 * DAY)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=NOW)
    cascade = deceased.register(
        patient_id=patient.pk, deceased_on=TODAY - 2 * DAY, reason="Dödsbevis", by=clinic.doctor, at=NOW
    )
    (row,) = deceased.left_to_do(cascade)
    assert deceased.what_to_do(row) == "Ångra utebliven: patienten var avliden, och besöket avbokas av vårdgivaren."
    correction.undo_appointment(appointment_id=missed.pk, by=clinic.doctor, at=EVENING, reason="Avliden")
    missed.refresh_from_db()
    assert (missed.status, missed.cancelled_by, missed.encounter.type_id) == ("cancelled", "provider", "annullerad")
    assert deceased.left_to_do(cascade) == []
    assert {each.name for each in invariants.INVARIANTS if each.rows(EVENING).exists()} == set()
