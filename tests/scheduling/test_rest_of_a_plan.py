"""What is done with the rest of a plan, from one of its bookings on (BO-02, PL-08)."""

import pytest

from registration.models import AddOn, Patient
from scheduling.actions import appointments, plans, sessions
from scheduling.models import Appointment
from sdv.common.errors import RuleError, StaleVersion
from sdv.flows import cancellation
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.scheduling.test_plans import START, WEEK, book, broken, visit


def weekly(clinic, count=3, patient=None):
    """A booked series, a visit a week."""
    visits = [visit(clinic, START + number * WEEK) for number in range(count)]
    return book(clinic, "series", visits, patient)[1]


def times_and_states(*made):
    found = {row.pk: (row.start, row.status) for row in Appointment.objects.all()}
    return [found[row.pk] for row in made]


def rest_acts(clinic, row, **fields):
    """Both acts on the rest of a plan, from the booking."""
    told = {"appointment_id": row.pk, "by": clinic.doctor, "at": NOW} | fields
    return [
        lambda: plans.move_rest(start=row.start + DAY, **told),
        lambda: cancellation.cancel_rest(cancelled_by="provider", reason="Frånvaro", **told),
    ]


def test_the_rest_of_a_series_is_cancelled_and_what_has_been_stays(health_centre):
    """PL-08, VH-11: each by its own time."""
    _, made = book(health_centre, "series", [visit(health_centre, START + number * WEEK) for number in range(4)])
    told = {"cancelled_by": "patient", "reason": "Frisk", "by": health_centre.nurse, "at": NOW}
    gone = cancellation.cancel_rest(appointment_id=made[2].pk, **told)
    assert [row.pk for row in gone] == [made[2].pk, made[3].pk]
    assert list(Appointment.objects.order_by("start").values_list("status", flat=True)) == [
        "booked", "booked", "cancelled", "cancelled",
    ]  # fmt: skip
    with pytest.raises(RuleError) as refused:
        cancellation.cancel_rest(appointment_id=made[2].pk, **told)
    assert (refused.value.code, broken()) == ("already_done", {})


def test_the_rest_of_a_series_is_moved_all_or_none(health_centre):
    """PL-08: a week later each passes into the next one's time."""
    _, made = book(health_centre, "series", [visit(health_centre, START + number * WEEK) for number in range(3)])
    by = {"by": health_centre.nurse, "at": NOW}
    plans.move_rest(appointment_id=made[1].pk, start=START + 2 * WEEK, **by)
    starts = list(Appointment.objects.order_by("start").values_list("start", flat=True))
    assert starts == [START, START + 2 * WEEK, START + 3 * WEEK]
    health_centre.book(health_centre.patient(), START + 3 * WEEK + DAY)
    with pytest.raises(plans.Misfits) as refused:
        plans.move_rest(appointment_id=made[1].pk, start=START + 2 * WEEK + DAY, **by)
    assert [(number, each.code) for number, each in refused.value.misfits] == [(1, "slot_taken")]
    again = Appointment.objects.filter(plan=made[0].plan).order_by("start").values_list("start", flat=True)
    assert list(again) == starts
    assert broken() == {}


def test_the_tillval_of_the_moved_are_their_own(health_centre):
    """KA-02, PL-08: those chosen with the named one's letter are not the later visits'."""
    made = weekly(health_centre)
    own, chosen = AddOn.objects.order_by("code")[:2]
    made[2].add_ons.set([own])
    plans.move_rest(
        appointment_id=made[1].pk,
        start=made[1].start + DAY,
        letter=True,
        letter_choices={"add_on_ids": [chosen.pk]},
        by=health_centre.nurse,
        at=NOW,
    )
    assert [list(row.add_ons.all()) for row in Appointment.objects.order_by("start")] == [[], [chosen], [own]]


@pytest.mark.parametrize("how", ["cancelled", "arrived"])
def test_nothing_is_done_with_the_rest_from_a_booking_that_is_none_any_more(health_centre, how):
    """PL-08, PL-27: the later visits stay, and who was first is told."""
    made = weekly(health_centre)
    by = {"appointment_id": made[0].pk, "by": health_centre.nurse}
    if how == "cancelled":
        cancellation.cancel(cancelled_by="patient", reason="Frisk", at=NOW, **by)
    else:
        appointments.arrive(at=START, **by)
    before = times_and_states(*made)
    for act in rest_acts(health_centre, made[0]):
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-08", "already_done", "Sara Norén")
        assert times_and_states(*made) == before


def test_nothing_is_done_with_the_rest_by_who_saw_an_older_version(health_centre):
    """PL-27"""
    made = weekly(health_centre)
    seen = made[1].version
    appointments.reschedule(
        appointment_id=made[1].pk, start=START + WEEK + DAY, end=START + WEEK + DAY + HALF_HOUR,
        by=health_centre.nurse, at=NOW,
    )  # fmt: skip
    before = times_and_states(*made)
    for act in rest_acts(health_centre, made[1], version=seen):
        with pytest.raises(StaleVersion):
            act()
        assert times_and_states(*made) == before


def test_the_rest_is_read_when_the_patient_is_locked(health_centre, monkeypatch):
    """PL-27: the named booking was moved last of all while its plan waited for the lock: nothing comes after it."""
    made = weekly(health_centre)
    lock = Patient.objects.lock_present

    def wait(patient_id):
        monkeypatch.undo()
        appointments.reschedule(
            appointment_id=made[0].pk, start=START + 5 * WEEK, end=START + 5 * WEEK + HALF_HOUR,
            by=health_centre.nurse, at=NOW,
        )  # fmt: skip
        return lock(patient_id)

    monkeypatch.setattr(Patient.objects, "lock_present", wait)
    told = {"cancelled_by": "provider", "reason": "Frånvaro", "by": health_centre.doctor, "at": NOW}
    gone = cancellation.cancel_rest(appointment_id=made[0].pk, **told)
    assert [row.pk for row in gone] == [made[0].pk]
    assert [status for _, status in times_and_states(*made)] == ["cancelled", "booked", "booked"]


def test_a_booking_whose_time_has_passed_goes_first_with_the_rest(health_centre):
    """PL-08, VH-11: it is the one that was named, and too late for the patient to cancel."""
    made = weekly(health_centre)
    told = {"by": health_centre.nurse, "at": START + DAY}
    moved = plans.move_rest(appointment_id=made[0].pk, start=START + 2 * DAY, **told)
    assert [row.start for row in moved] == [START + 2 * DAY + number * WEEK for number in range(3)]
    told["at"] = START + 3 * DAY
    gone = cancellation.cancel_rest(appointment_id=made[0].pk, cancelled_by="patient", reason="Frisk", **told)
    assert [(row.pk, row.status) for row in gone] == [
        (made[0].pk, "no_show"), (made[1].pk, "cancelled"), (made[2].pk, "cancelled"),
    ]  # fmt: skip


def test_the_named_booking_is_first_also_where_another_begins_with_it(health_centre):
    """PL-08"""
    visits = [visit(health_centre, doctor=True), visit(health_centre)]
    both_at_once = {"accept_warnings": ["PL-06"], "reason": "Samtidigt"}
    _, made = book(health_centre, "coordinated", visits, **both_at_once)
    told = {"cancelled_by": "provider", "reason": "Frånvaro", "by": health_centre.nurse, "at": NOW}
    gone = cancellation.cancel_rest(appointment_id=made[1].pk, **told)
    assert [row.pk for row in gone] == [made[1].pk, made[0].pk]


def test_what_another_unit_has_is_not_changed_along(health_centre):
    """BO-02: nothing half done."""
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    visits = [visit(health_centre), visit(other, START + WEEK), visit(health_centre, START + 2 * WEEK)]
    _, made = book(health_centre, "series", visits)
    before = times_and_states(*made)
    for act in rest_acts(health_centre, made[0]):
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code) == ("BO-02", "several_units")
        assert times_and_states(*made) == before


def test_the_rest_of_coordinated_visits_is_moved_with_their_distances_kept(health_centre):
    """BO-02: one after the other on the new day too; and a little later the same day, each past the other."""
    _, made = book(
        health_centre, "coordinated", [visit(health_centre), visit(health_centre, START + HALF_HOUR, doctor=True)]
    )
    by = {"appointment_id": made[0].pk, "by": health_centre.nurse, "at": NOW}
    for start in (START + DAY, START + DAY + HALF_HOUR, START + DAY):
        moved = plans.move_rest(start=start, **by)
        assert [(row.pk, row.start) for row in moved] == [(made[0].pk, start), (made[1].pk, start + HALF_HOUR)]
    assert broken() == {}


def test_the_rest_is_not_moved_to_another_persons_time(health_centre):
    """PL-08: each keeps its own; whose time was chosen is one of the visit's."""
    made = weekly(health_centre)
    told = {"appointment_id": made[0].pk, "start": START + DAY, "by": health_centre.nurse, "at": NOW}
    with pytest.raises(RuleError) as refused:
        plans.move_rest(resource_id=health_centre.doctor_resource.pk, **told)
    assert (refused.value.rule, refused.value.code) == ("PL-08", "another_resource")
    assert times_and_states(*made) == [(START + number * WEEK, "booked") for number in range(3)]
    assert len(plans.move_rest(resource_id=health_centre.nurse_resource.pk, **told)) == 3


def test_a_seat_of_a_group_is_not_given_up_when_the_rest_is_moved(health_centre):
    """BO-02: it is told, and nothing is moved."""
    made = weekly(health_centre)
    start = START + WEEK + DAY
    session = sessions.plan(
        care_unit=health_centre.unit, name="Astmaskola", visit_type=health_centre.nurse_visit,
        contact_reason_id=health_centre.reason.pk, start=start, end=start + HALF_HOUR, seats=2,
        resource_ids=[health_centre.nurse_resource.pk], by=health_centre.nurse, at=NOW,
    )  # fmt: skip
    sessions.change_session(appointment_id=made[1].pk, session_id=session.pk, by=health_centre.nurse, at=NOW)
    before = times_and_states(*made)
    with pytest.raises(plans.Misfits) as refused:
        plans.move_rest(appointment_id=made[0].pk, start=START + DAY, by=health_centre.nurse, at=NOW)
    assert [(number, each.rule, each.code) for number, each in refused.value.misfits] == [(1, "BO-02", "on_a_session")]
    assert times_and_states(*made) == before and session.appointments.get().pk == made[1].pk


def test_the_rest_meets_the_patients_own_booking_only_with_a_reason(health_centre):
    """PL-06, PL-08"""
    patient = health_centre.patient()
    doctors = {"resource": health_centre.doctor_resource, "visit_type": health_centre.doctor_visit}
    health_centre.book(patient, START + DAY + WEEK, **doctors)
    made = weekly(health_centre, patient=patient)
    told = {"appointment_id": made[0].pk, "start": START + DAY, "by": health_centre.nurse, "at": NOW}
    with pytest.raises(plans.Misfits) as refused:
        plans.move_rest(**told)
    assert (refused.value.is_warning, refused.value.needs_reason) == (True, True)
    assert "1 av 3 besök passar inte, inget är ombokat" in refused.value.sentence
    assert times_and_states(*made) == [(START + number * WEEK, "booked") for number in range(3)]
    plans.move_rest(**told, accept_warnings=["PL-06"], reason="Samma resa")
    assert [start for start, _ in times_and_states(*made)] == [START + DAY + number * WEEK for number in range(3)]
