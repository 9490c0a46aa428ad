"""As a property: whatever has happened to a patient, a death and its undo leave every row of every table as it was, and
the histories tell one unbroken story (AV-02, AV-03)."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registration.actions import orders
from registration.models import EncounterHistory, Order, Patient
from scheduling.actions import letters, sessions
from scheduling.models import Appointment, Letter, RebookingItem, Session, SessionParticipant
from sdv.common.time import local_date
from sdv.flows import deceased, invariants
from tests.clinic import DAY
from tests.flows.everything import differences, every_row
from tests.scheduling.test_no_patient_falls import ACTS, Story, two_clinics

MORE = ["order", "activate", "cancel_order", "letter", "told", "told_otherwise", "taken_back", "correct", "job"]


class Life(Story):
    """The story of UT-07's test, with orders, letters and what the register tells."""

    def order(self):
        day = local_date(self.now) + 3 * DAY
        fields = {"patient_id": self.patient.pk, "care_unit": self._clinic.unit, "planned_on": day, "what": "Prov"}
        orders.place(**fields, **self.by, at=self.now)

    def activate(self):
        if row := Order.objects.planned().first():
            orders.activate(order_id=row.pk, **self.by, at=self.now)

    def cancel_order(self):
        if row := Order.objects.planned().first():
            orders.cancel(order_id=row.pk, reason="Redan taget", **self.by, at=self.now)

    def letter(self):
        words = {"name": "Karl Ek", "address": "Storgatan 1", "heading": "Hej", "body": "Text", "reason": "Saker kvar"}
        fields = {"patient_id": self.patient.pk, "care_unit": self._clinic.unit, **words}
        letters.write_to_relatives(**fields, **self.by, at=self.now)

    def _told(self, died_on):
        deceased.told_by_register(patient_id=self.patient.pk, died_on=died_on, at=self.now)

    def told(self):
        self._told(local_date(self.now).isoformat())

    def told_otherwise(self):
        self._told((local_date(self.now) - DAY).isoformat()[:7])

    def taken_back(self):
        self._told("")

    def correct(self):
        day = (local_date(self.now) - 2 * DAY).isoformat()
        deceased.correct_date(patient_id=self.patient.pk, died_on=day, reason="test", **self.by, at=self.now)

    def job(self):
        deceased.run_pending(at=self.now)

    @property
    def is_dead(self):
        return Patient.objects.get(pk=self.patient.pk).is_deceased


# What the undo tells of and does not put back.
LEFT_OUT = {"offer"}


def broken_histories():
    """Encounters whose history has a gap: a move that does not start where the one before it led."""
    last, broken = {}, set()
    for row in EncounterHistory.objects.order_by("id"):
        if last.get(row.encounter_id, "") != row.source:
            broken.add(row.encounter_id)
        last[row.encounter_id] = row.target
    return broken


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_real_hour")  # A history is followed by keys made here and by PostgreSQL.
@pytest.mark.timeout(300)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from([*sorted(ACTS - LEFT_OUT), *MORE]), min_size=2, max_size=14))
def test_a_death_and_its_undo_leave_everything_as_it_was(acts):
    """AV-02, AV-03, PL-13. An offer is made anew by hand, so none stands here: the undo tells of it."""
    with transaction.atomic():
        life = Life(two_clinics())
        for act in acts:
            life.act(act)
        if life.is_dead:
            life.undo_death()
        before = every_row()
        life.die()
        faults = {each.name for each in invariants.INVARIANTS if not each.is_work and each.rows(life.now).exists()}
        assert faults == set()
        left = deceased.undo(patient_id=life.patient.pk, reason="test", **life.by, at=life.now)
        assert [each.sentence for each in left if each.consumer != "letter"] == []
        assert differences(before, every_row()) == {}
        assert not Letter.objects.unsent().filter(kind="to_relatives").exists()
        assert broken_histories() == set()
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_real_hour")
def test_a_seat_of_a_cancelled_session_comes_back_to_wait_in_ombokningar():
    """AV-03, PL-02, UT-07: cancelled before the death, the undo puts the row of Ombokningar back as it was; cancelled
    meanwhile, the booking comes back and is put there."""
    for is_meanwhile in (False, True):
        with transaction.atomic():
            life = Life(two_clinics())
            life.act("book_group")
            if not is_meanwhile:
                life.act("cancel_group")
            before = every_row()
            life.die()
            if is_meanwhile:
                session = Session.objects.planned().get()
                sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", **life.by, at=life.now)
            left = deceased.undo(patient_id=life.patient.pk, reason="test", **life.by, at=life.now)
            assert [each.sentence for each in left] == []
            booked = Appointment.objects.get(patient=life.patient)
            item = RebookingItem.objects.open().get(appointment=booked)
            assert (booked.status, item.session) == ("booked", booked.session)
            assert SessionParticipant.objects.get(appointment=booked).session == booked.session
            assert is_meanwhile or differences(before, every_row()) == {}
            assert not next(each for each in invariants.INVARIANTS if each.is_work).rows(life.now).exists()
            transaction.set_rollback(True)


def test_the_whole_life_is_told_by_the_acts():
    own = {name for name in vars(Life) if not name.startswith("_")}
    assert own - {"is_dead"} == set(MORE)
