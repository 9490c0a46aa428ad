"""UT-07 as a property: whatever legal acts follow one another, no open vårdåtagande is left without a plan of its own."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registration.actions import clock
from registration.models import CareCommitment, Encounter, Patient, Referral
from scheduling import promises
from scheduling.actions import (
    absences,
    appointments,
    check_out,
    commitments,
    invitations,
    offers,
    plans,
    sessions,
    work_items,
)
from scheduling.models import (
    Absence,
    Appointment,
    AwaitedResult,
    BookingRequest,
    MissingFollowUp,
    NoShowItem,
    Offer,
    OpenInvitation,
    Session,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic

ACTS = [
    "book",
    "book_request",
    "book_group",
    "cancel_group",
    "move_group",
    "to_another_group",
    "book_team",
    "book_series",
    "book_coordinated",
    "move_rest",
    "cancel_rest",
    "cancel_rest_late",
    "request",
    "offer",
    "accept_offer",
    "decline_offer",
    "invite",
    "invite_by_the_remiss",
    "book_invited",
    "end_invitation",
    "close_request",
    "absence",
    "withdraw_absence",
    "arrive",
    "undo_arrival",
    "no_show",
    "cancel_early",
    "cancel_late",
    "check_out_end",
    "check_out_await",
    "check_out_nothing",
    "check_out_follow_up",
    "undo_check_out",
    "decide_follow_up",
    "decide_nothing",
    "decide_end",
    "close",
    "reopen",
    "annul",
    "die",
    "undo_death",
    "a_day_passes",
]


# Nothing double-booked, and nothing held by nobody, whatever was done (BO-01, BO-02, PL-06).
AGREEMENTS = [row for row in invariants.INVARIANTS if not row.is_work and not row.name.startswith("ends-")]


class Story:
    """One patient with one problem, and the acts that may befall them. A refused act changes nothing."""

    def __init__(self, clinic):
        self.clinic, self.now = clinic, NOW
        self.patient = clinic.patient()
        self.commitment = clinic.commitment(self.patient)
        self.by = {"by": clinic.doctor}

    def act(self, name):
        before = self._is_broken()
        try:
            with transaction.atomic():
                getattr(self, name)()
        except (RuleError, InputError):
            pass
        # Closing a bokningsbegäran says beforehand that its vårdåtagande may be left, and lists it (UT-07). Whatever else
        # happens leaves none behind; what is already listed stays until somebody plans.
        self.may_be_listed = before or name == "close_request"

    def _is_broken(self):
        return promises.broken(at=self.now).exists()

    def _was_left(self, broken):
        return bool(broken) and self.may_be_listed

    def _appointment(self, **conditions):
        return Appointment.objects.filter(patient=self.patient, **conditions).order_by("-id").first()

    def _on(self, row, act, **fields):
        if row is not None:
            act(**fields, by=self.clinic.doctor, at=self.now)

    def _follow_up(self):
        day = local_date(self.now)
        return {
            "visit_type": self.clinic.nurse_visit,
            "contact_reason": self.clinic.reason,
            "wished_from": day,
            "wished_to": day + 30 * DAY,
        }

    def book(self):
        start = self.now + HALF_HOUR
        self.clinic.book(self.patient, start, at=self.now, accept_warnings=["PL-06"], reason="test")

    def book_request(self):
        request = BookingRequest.objects.waiting().filter(patient=self.patient).first()
        if request:
            self.clinic.book(self.patient, self.now + DAY, at=self.now, booking_request_id=request.pk)

    def _plan(self, start):
        return sessions.plan(
            care_unit=self.clinic.unit,
            name="Grupp",
            visit_type=self.clinic.nurse_visit,
            contact_reason_id=self.clinic.reason.pk,
            start=start,
            end=start + HALF_HOUR,
            seats=1,
            resource_ids=[self.clinic.nurse_resource.pk],
            **self.by,
            at=self.now,
        )

    def book_group(self):
        """A session with one seat, tomorrow."""
        session = self._plan(self.now + DAY)
        warned = {"accept_warnings": ["PL-06"], "reason": "test"}
        sessions.book(session_id=session.pk, patient_id=self.patient.pk, **self.by, at=self.now, **warned)

    def _session(self):
        return Session.objects.planned().filter(appointments__isnull=False).order_by("-id").first()

    def cancel_group(self):
        row = self._session()
        self._on(row, sessions.cancel, session_id=row and row.pk, reason="test")

    def move_group(self):
        if row := self._session():
            start = row.start + 2 * HALF_HOUR
            sessions.move(session_id=row.pk, start=start, end=start + HALF_HOUR, **self.by, at=self.now)

    def to_another_group(self):
        if row := self._appointment(status="booked"):
            session = self._plan(self.now + 2 * DAY)
            sessions.change_session(appointment_id=row.pk, session_id=session.pk, **self.by, at=self.now)

    def book_team(self):
        """The nurse and the doctor at once, tomorrow."""
        both = [self.clinic.nurse_resource.pk, self.clinic.doctor_resource.pk]
        warned = {"accept_warnings": ["PL-06"], "reason": "test"}
        self.clinic.book(self.patient, self.now + DAY, at=self.now, resource_ids=both, **warned)

    def _book_plan(self, kind, visits):
        told = {"accept_warnings": ["PL-06"], "reason": "test", **self.by, "at": self.now}
        plans.book(kind=kind, patient_id=self.patient.pk, visits=visits, **told)

    def _visit(self, start, *, with_doctor=False):
        clinic = self.clinic
        return {
            "care_unit": clinic.unit,
            "visit_type": clinic.doctor_visit if with_doctor else clinic.nurse_visit,
            "contact_reason_id": clinic.reason.pk,
            "start": start,
            "end": start + HALF_HOUR,
            "resource_ids": [(clinic.doctor_resource if with_doctor else clinic.nurse_resource).pk],
        }

    def book_series(self):
        """Three visits, the first in half an hour."""
        self._book_plan("series", [self._visit(self.now + HALF_HOUR + number * DAY) for number in range(3)])

    def book_coordinated(self):
        """The nurse and then the doctor, tomorrow."""
        start = self.now + DAY
        self._book_plan("coordinated", [self._visit(start), self._visit(start + HALF_HOUR, with_doctor=True)])

    def _first_planned(self):
        """The first booking of a plan that is left."""
        rows = Appointment.objects.living().filter(patient=self.patient, plan__isnull=False)
        return rows.order_by("start", "id").first()

    def move_rest(self):
        if row := self._first_planned():
            told = {"accept_warnings": ["PL-06"], "reason": "test", "at": self.now}
            plans.move_rest(appointment_id=row.pk, start=row.start + DAY, **self.by, **told)

    def _cancel_rest(self, who):
        row = self._first_planned()
        self._on(row, cancellation.cancel_rest, appointment_id=row and row.pk, cancelled_by=who, reason="test")

    def cancel_rest(self):
        self._cancel_rest("provider")

    def cancel_rest_late(self):
        """By the patient: those with less than a day to go are Utebliven (VH-11)."""
        self._cancel_rest("patient")

    def request(self):
        work_items.request_booking(
            patient_id=self.patient.pk,
            care_unit=self.clinic.unit,
            commitment_id=self.commitment.pk,
            **self.by,
            at=self.now,
            **self._follow_up(),
        )

    def _waiting(self):
        return BookingRequest.objects.waiting().filter(patient=self.patient).first()

    def offer(self):
        if row := self._waiting():
            resource = self.clinic.doctor_resource if row.visit_type == self.clinic.doctor_visit else None
            resource = resource or self.clinic.nurse_resource
            told = {"subject": "booking_request", "row_id": row.pk, "resource_id": resource.pk}
            offers.make(**told, start=self.now + 2 * DAY, **self.by, at=self.now)

    def _offer(self, act, **fields):
        row = Offer.objects.open().filter(patient=self.patient).first()
        if row:
            act(offer_id=row.pk, **self.by, at=self.now, **fields)

    def accept_offer(self):
        self._offer(offers.accept, accept_warnings=["PL-06"], reason="test")

    def decline_offer(self):
        self._offer(offers.decline)

    def _invite(self, subject, row, **fields):
        if row:
            last_day = local_date(self.now) + 2 * DAY
            invitations.invite(subject=subject, row_id=row.pk, last_day=last_day, **self.by, at=self.now, **fields)

    def invite(self):
        self._invite("booking_request", self._waiting())

    def invite_by_the_remiss(self):
        row = Referral.objects.to_book().filter(patient=self.patient).first()
        self._invite("referral", row, visit_type=self.clinic.nurse_visit)

    def book_invited(self):
        row = OpenInvitation.objects.watched().filter(patient=self.patient).first()
        if row:
            start = self.now + 3 * DAY
            time = {"start": start, "end": start + HALF_HOUR, "resource_ids": [self.clinic.nurse_resource.pk]}
            told = {"accept_warnings": ["PL-06"], "reason": "test", "by_patient": True}
            invitations.book(invitation_id=row.pk, **time, **told, **self.by, at=self.now)

    def end_invitation(self):
        row = OpenInvitation.objects.watched().filter(patient=self.patient).first()
        if row:
            invitations.end(invitation_id=row.pk, reason="test", **self.by, at=self.now)

    def close_request(self):
        if row := self._waiting():
            work_items.close_request(request_id=row.pk, reason="test", **self.by, at=self.now)

    def absence(self):
        """The nurse is away at the next booking: it is to be booked anew, and is no longer booked with her."""
        if row := self._appointment(status="booked"):
            told = {"care_unit": self.clinic.unit, "resource_id": self.clinic.nurse_resource.pk, "kind": "leave"}
            absences.register(**told, start=row.start, end=row.end, **self.by, at=self.now)

    def withdraw_absence(self):
        if row := Absence.objects.standing().order_by("-id").first():
            absences.withdraw(absence_id=row.pk, **self.by, at=self.now)

    def arrive(self):
        row = self._appointment(status="booked")
        self._on(row, appointments.arrive, appointment_id=row and row.pk)

    def undo_arrival(self):
        row = self._appointment(status__in=["arrived", "no_show"])
        self._on(row, appointments.undo, appointment_id=row and row.pk)

    def no_show(self):
        row = self._appointment(status="booked")
        if row:
            appointments.no_show(appointment_id=row.pk, **self.by, at=max(self.now, row.start))

    def _cancel(self, who):
        row = self._appointment(status="booked")
        self._on(row, cancellation.cancel, appointment_id=row and row.pk, cancelled_by=who, reason="test")

    def cancel_early(self):
        self._cancel("provider")

    def cancel_late(self):
        self._cancel("patient")

    def _check_out(self, outcome, **fields):
        visit = Encounter.objects.filter(patient=self.patient, status="in_progress").order_by("-id").first()
        if visit:
            at = max(self.now, visit.start)
            check_out.check_out(encounter_id=visit.pk, outcome=outcome, **self.by, at=at, registered_at=at, **fields)

    def check_out_end(self):
        self._check_out("end_commitment", reason=self.clinic.outcome_reason("end_commitment"))

    def check_out_await(self):
        self._check_out("await_result", reason=self.clinic.outcome_reason("await_result"))

    def check_out_nothing(self):
        self._check_out("no_further_planning", accept_warnings=["UT-05"])

    def check_out_follow_up(self):
        self._check_out("follow_up", follow_ups=[self._follow_up()])

    def undo_check_out(self):
        visit = Encounter.objects.filter(patient=self.patient, status="checked_out").order_by("-id").first()
        self._on(visit, check_out.undo, encounter_id=visit and visit.pk)

    def _decide(self, decision, **fields):
        for model in (AwaitedResult, MissingFollowUp, NoShowItem):
            if item := model.objects.open().filter(patient=self.patient).first():
                work_items.decide(model=model, item_id=item.pk, decision=decision, **self.by, at=self.now, **fields)
                return

    def decide_follow_up(self):
        self._decide("follow_up", follow_up=self._follow_up())

    def decide_nothing(self):
        self._decide("nothing_more")

    def decide_end(self):
        self._decide("end_commitment", reason="färdigbehandlad")

    def close(self):
        commitments.close_by_id(commitment_id=self.commitment.pk, reason="önskar avsluta", **self.by, at=self.now)

    def reopen(self):
        commitments.reopen(commitment_id=self.commitment.pk, reason="Prov", **self.by, at=self.now)

    def annul(self):
        visit = Encounter.objects.filter(patient=self.patient).exclude(status="ended").order_by("-id").first()
        self._on(visit, cancellation.annul, encounter_id=visit and visit.pk, reason="test")

    def die(self):
        deceased.register(
            patient_id=self.patient.pk, deceased_on=local_date(self.now), reason="test", **self.by, at=self.now
        )

    def undo_death(self):
        deceased.undo(patient_id=self.patient.pk, reason="test", **self.by, at=self.now)

    def a_day_passes(self):
        """What nobody dealt with during the day is dealt with first: an unclosed day is told, not hidden."""
        self.now += DAY
        for row in Appointment.objects.filter(patient=self.patient, status="booked", start__lt=self.now):
            if row.session and row.session.status == "cancelled":
                continue  # Stands in Ombokningar until somebody moves or ends it.
            appointments.no_show(appointment_id=row.pk, **self.by, at=self.now)
        clock.reveal(at=self.now)
        clock.auto_discharge(at=self.now)
        offers.expire_due(at=self.now)
        invitations.expire_due(at=self.now)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(acts=["book_group", "absence", "cancel_group", "withdraw_absence"])
@example(acts=["book_group", "no_show", "cancel_group", "undo_arrival"])
@example(acts=["book_group", "cancel_group", "a_day_passes", "a_day_passes", "close"])
@given(acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=14))
def test_whatever_happens_every_open_commitment_has_a_plan(acts):
    """UT-07, AV-02, AV-03, PL-13"""
    _tell(acts)


PLANS = ["book_team", "book_series", "book_coordinated"]
OF_PLANS = ["move_rest", "cancel_rest", "cancel_rest_late"]


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.sampled_from(PLANS), acts=st.lists(st.sampled_from(ACTS + 3 * OF_PLANS), min_size=3, max_size=9))
def test_whatever_happens_to_what_is_planned_together_nobody_is_left(first, acts):
    """UT-07, BO-02, PL-08: the acts on a plan befall one that is there."""
    _tell([first, *acts])


def _tell(acts):
    with transaction.atomic():
        story = Story(Clinic())
        for number, name in enumerate(acts):
            story.act(name)
            told = f"after {acts[: number + 1]}"
            # The one act after which a vårdåtagande may be without a plan is the one that says so: it is then listed.
            broken = list(promises.broken(at=story.now))
            assert broken == ([story.commitment] if story._was_left(broken) else []), told
        for agreement in AGREEMENTS:
            assert not list(agreement.rows(story.now)), f"{agreement.name} after {acts}"
        assert CareCommitment.objects.count() == 1
        if Patient.objects.get().is_deceased:
            assert Appointment.objects.future(story.now).count() == 0
        transaction.set_rollback(True)


def test_the_whole_story_is_told_by_the_acts():
    assert {name for name in vars(Story) if not name.startswith("_")} - {"act"} == set(ACTS)
