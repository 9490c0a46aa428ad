"""As a property: whatever is done with two records of one person, merged, taken apart, dead, alive again, protected, each
thing of care is there all the time and hangs together, and the histories tell one unbroken story (RI-02, PL-13, AV-03,
SK-02)."""

from collections import Counter

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registration.actions import contact, relations
from registration.models import Patient, PatientHistory
from scheduling import promises
from scheduling.models import Appointment
from sdv.flows import deceased, invariants, merging, protection
from sdv.flows.merging import tables
from sdv.flows.models import DeceasedCascade, PatientMerge
from tests.flows.everything import differences, every_row
from tests.flows.merges import on_reserve_number
from tests.flows.test_any_story_of_a_death import broken_histories
from tests.scheduling.test_no_patient_falls import Story, two_clinics

CARE = ["book", "request", "book_request", "arrive", "check_out_await", "cancel_early", "close", "a_day_passes"]
OURS = [
    "merge",
    "undo_merge",
    "die",
    "die_both",
    "undo_death",
    "undo_death_of_the_old",
    "protect",
    "lift",
    "call",
    "stand_by",
]
# Often merged and taken apart, so that the rest happens on both sides of it.
OFTEN = [*["merge", "undo_merge"] * 5, *CARE, *OURS]
# Contact data may be purged, and a fault of a list goes when it is mended; what was done for a patient may never be lost.
OF_CARE = [
    label for label in tables.MOVED[: tables.MOVED.index("scheduling.Letter") + 1] if label != "scheduling.ListFault"
]


class Two(Story):
    """The story of UT-07's test about the old record, and another of the same person on a personnummer. What is done is
    done with the present record of the old id."""

    def __init__(self, clinics):
        super().__init__(clinics)
        self.old = on_reserve_number(self.patient)
        self.other = clinics[0].patient()
        self.before = None

    def act(self, name):
        if name not in ("merge", "undo_merge"):
            self.before = None
        super().act(name)
        self.patient = Patient.objects.get(pk=Patient.objects.get(pk=self.old.pk).merged_into_id or self.old.pk)

    def merge(self):
        before = rows()
        merging.merge(source_id=self.old.pk, target_id=self.other.pk, reason="test", **self.by, at=self.now)
        self.before = before

    def undo_merge(self):
        done = merging.undo(target_id=self.other.pk, reason="test", **self.by, at=self.now)
        if self.before is not None:
            assert done.to_check == []
            assert differences(self.before, rows()) == {}

    def _dies(self, row):
        day = self.now.date()
        deceased.register(patient_id=row.pk, deceased_on=day, reason="test", **self.by, at=self.now)

    def die(self):
        self._dies(self.patient)

    def die_both(self):
        if self.patient != self.other:
            self._dies(self.old)
        self._dies(self.other)

    def undo_death(self):
        deceased.undo(patient_id=self.other.pk, reason="test", **self.by, at=self.now)

    def undo_death_of_the_old(self):
        deceased.undo(patient_id=self.old.pk, reason="test", **self.by, at=self.now)

    def protect(self):
        for row in {self.patient, self.other}:
            protection.set_by_hand(patient_id=row.pk, ground="threat", **self.by, at=self.now)

    def lift(self):
        for row in {self.patient, self.other}:
            protection.lift(patient_id=row.pk, reason="test", **self.by, at=self.now)

    def call(self):
        """Both records have a number in common, the old one has one of its own."""
        for row, number in ((self.old, "070-174 06 05"), (self.old, "070-174 06 06"), (self.other, "070-174 06 05")):
            contact.add_phone(patient_id=row.pk, number=number, **self.by, at=self.now)

    def stand_by(self):
        relations.add_contact(patient_id=self.patient.pk, name="Karin Ek", **self.by, at=self.now)


def rows():
    return every_row() | {("cascade", row["id"]): row for row in DeceasedCascade.objects.values()}


def care():
    """Keys of everything that was done for a patient."""
    return {
        pk for label, model in tables.models() if label in OF_CARE for pk in model.objects.values_list("pk", flat=True)
    }


def assert_consistent(two):
    """One living merge at most, and it is what the records say; everything is on a record that stands for itself and on
    the same one as what it hangs on; every open vårdåtagande has a plan; protected is protected on both."""
    living = PatientMerge.objects.filter(undone_at=None)
    old = Patient.objects.get(pk=two.old.pk)
    assert old.merged_into_id == (living.get().target_id if living else None)
    if living:
        # A number that both had, and the death of each, stay where they were.
        left = {label for label, model in tables.models() if tables.rows_of(label, model, old.pk).exists()}
        assert left <= {"registration.PatientPhone", "flows.DeceasedCascade"}
        assert old.is_protected == Patient.objects.get(pk=two.other.pk).is_protected
    assert not Appointment.objects.exclude(patient=F("encounter__patient")).exists()
    assert (
        not Appointment.objects.exclude(encounter__commitment=None)
        .exclude(patient=F("encounter__commitment__patient"))
        .exists()
    )
    assert list(promises.broken(at=two.now)) == []
    told = Counter(PatientHistory.objects.values_list("event", flat=True))
    merges = PatientMerge.objects.count()
    undone = merges - living.count()
    assert (told["merged_away"], told["merged_here"], told["merge_undone"]) == (merges, merges, 2 * undone)


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_real_hour")  # A history is followed by keys made here and by PostgreSQL.
@pytest.mark.timeout(300)
@settings(max_examples=24, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(OFTEN), min_size=8, max_size=16))
def test_whatever_is_done_with_two_records_nothing_is_lost(acts):
    """RI-02, PL-13, AV-03, SK-02"""
    with transaction.atomic():
        two = Two(two_clinics())
        known = care()
        for number, act in enumerate(acts):
            two.act(act)
            assert known <= care(), f"lost after {acts[: number + 1]}"
            known = care()
            assert_consistent(two)
        faults = {each.name for each in invariants.INVARIANTS if not each.is_work and each.rows(two.now).exists()}
        assert faults == set()
        assert broken_histories() == set()
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_story_is_told_by_its_acts():
    assert {name for name in vars(Two) if not name.startswith("_")} - {"act"} == set(OURS)
    assert set(CARE) <= set(dir(Story))
    assert "scheduling.ContactAttempt" in OF_CARE and "registration.PatientPhone" not in OF_CARE
