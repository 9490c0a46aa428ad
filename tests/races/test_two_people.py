"""Two press at once: one act is done, the other person is told who did what, or a rule that holds either way (PL-27)."""

from functools import partial

import pytest

from registration.actions import admissions, patients, referrals
from registration.models import EncounterHistory, PatientIdentity, PlaceStay
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL
from scheduling import promises
from scheduling.actions import appointments, check_out, commitments, work_items
from scheduling.models import CheckOut, MissingFollowUp, NoShowItem, Outcome, ResourceBooking
from sdv.common.errors import RuleError, StaleVersion
from sdv.flows import cancellation, deceased, invariants
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 5  # who is first is chance: in five rounds both orders mostly occur


def rounds(name, **kind):
    """The same race several times: a clinic of its own and a patient of its own for each."""
    for round_, number in enumerate(numbers(ROUNDS), start=1):
        clinic = Clinic(name=f"{name} {round_}", **kind)
        yield clinic, clinic.patient(identity=number)


@pytest.fixture
def clinics():
    """Specialised clinics: their visits require a vårdåtagande."""
    return rounds("Ortopedmottagningen")


@pytest.fixture
def health_centres():
    """Vårdcentraler: their visits require none."""
    return rounds("Vårdcentralen", kind="vardcentral", area="Pv")


def broken(at=NOW):
    """What breaks the agreements between tables, or UT-07."""
    counts = {invariant.name: invariant.rows(at).count() for invariant in invariants.INVARIANTS}
    return {name: count for name, count in counts.items() if count}


def by_each(clinic, act, **fields):
    """The same act by the nurse and by the doctor at once. Returns the winner's answer, the loser's exception, and the
    winner's name."""
    people = [clinic.nurse, clinic.doctor]
    answers = together(*[partial(act, by=person, **fields) for person in people])
    won, (lost,) = one_winner(answers)
    return won, lost, people[0].name if answers[0] is won else people[1].name


def test_of_two_check_outs_of_a_visit_one_counts_and_the_other_is_told_who_did_it(clinics):
    """PL-27, UT-02"""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        visit = clinic.arrived(patient)
        won, lost, winner = by_each(
            clinic,
            check_out.check_out,
            encounter_id=visit.encounter_id,
            outcome="no_further_planning",
            accept_warnings=["UT-05"],
            at=NOW,
            registered_at=NOW,
        )
        assert isinstance(lost, RuleError), lost
        assert (lost.code, lost.by) == ("wrong_status", winner)
        assert CheckOut.objects.get(encounter=visit.encounter) == won
        assert won.by.name == winner
        assert patient.missingfollowups.get().commitment == commitment
        assert EncounterHistory.objects.filter(encounter_id=visit.encounter_id, move="check_out").count() == 1
        assert broken() == {}


def test_of_two_check_outs_with_different_outcomes_only_one_has_effect(clinics):
    """PL-27, UT-03, UT-04"""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        visit = clinic.arrived(patient)
        fields = {"encounter_id": visit.encounter_id, "at": NOW, "registered_at": NOW}
        reasons = {
            code: clinic.outcome_reason(Outcome.objects.get(pk=code)) for code in ("end_commitment", "await_result")
        }
        won, (lost,) = one_winner(
            together(
                partial(
                    check_out.check_out,
                    outcome="end_commitment",
                    reason=reasons["end_commitment"],
                    by=clinic.nurse,
                    **fields,
                ),
                partial(
                    check_out.check_out,
                    outcome="await_result",
                    reason=reasons["await_result"],
                    by=clinic.doctor,
                    **fields,
                ),
            )
        )
        assert (lost.code, lost.by) == ("wrong_status", won.by.name)
        commitment.refresh_from_db()
        if won.outcome_id == "end_commitment":
            assert (commitment.status, visit.encounter.awaitedresults.count()) == ("closed", 0)
        else:
            assert (commitment.status, visit.encounter.awaitedresults.count()) == ("open", 1)
        assert broken() == {}


def test_of_two_arrivals_one_counts_and_the_other_is_told_who_did_it(health_centres):
    """PL-27, VH-07"""
    for centre, patient in health_centres:
        visit = centre.book(patient, NOW + HALF_HOUR)
        won, lost, winner = by_each(centre, appointments.arrive, appointment_id=visit.pk, at=NOW)
        assert isinstance(lost, RuleError), lost
        assert lost.by == winner
        assert (won.status, won.version) == ("arrived", 2)
        assert EncounterHistory.objects.filter(encounter=visit.encounter, move="arrive").count() == 1
        assert broken() == {}


def test_of_two_who_read_the_same_version_the_second_is_refused_as_late(health_centres):
    """PL-27: what the API answers with 412 and the screen with its conflict page."""
    for centre, patient in health_centres:
        visit = centre.book(patient, NOW + HALF_HOUR)
        _, lost, _ = by_each(centre, appointments.arrive, appointment_id=visit.pk, at=NOW, version=1)
        assert isinstance(lost, StaleVersion), lost
        assert (lost.given, lost.current) == (1, 2)


def test_a_visit_is_either_cancelled_or_arrived(clinics):
    """PL-27, VH-07, BO-03: never both; and whoever came second is told who was first."""
    for clinic, patient in clinics:
        clinic.commitment(patient)
        visit = clinic.book(patient, NOW + HALF_HOUR)
        answers = together(
            partial(
                cancellation.cancel,
                appointment_id=visit.pk,
                cancelled_by="provider",
                reason="Läkaren sjuk",
                by=clinic.nurse,
                at=NOW,
            ),
            partial(appointments.arrive, appointment_id=visit.pk, by=clinic.doctor, at=NOW),
        )
        won, (lost,) = one_winner(answers)
        assert isinstance(lost, RuleError), lost
        was_cancelled = answers[0] is won
        assert lost.by == (clinic.nurse if was_cancelled else clinic.doctor).name
        encounter = patient.encounters.get()
        taken = encounter.appointment.resource_bookings.count()
        state = (encounter.appointment.status, encounter.type_id, encounter.status, taken)
        if was_cancelled:
            assert state == ("cancelled", "annullerad", "ended", 0)
        else:
            assert state == ("arrived", "specialiserad-oppenvard", "in_progress", 1)
        assert OutboxMessage.objects.filter(patient_id=patient.pk).count() == int(was_cancelled)
        assert broken() == {}


def test_a_visit_is_either_missed_or_arrived(health_centres):
    """PL-05, VH-11"""
    for centre, patient in health_centres:
        visit = centre.book(patient, NOW)
        answers = together(
            partial(appointments.no_show, appointment_id=visit.pk, by=centre.nurse, at=NOW),
            partial(appointments.arrive, appointment_id=visit.pk, by=centre.doctor, at=NOW),
        )
        won, (lost,) = one_winner(answers)
        assert isinstance(lost, RuleError), lost
        assert NoShowItem.objects.open().filter(patient=patient).count() == int(answers[0] is won)
        assert broken() == {}


def test_nothing_is_booked_for_the_dead_whoever_was_first(health_centres):
    """AV-02: booked just before, it is cancelled by the cascade; just after, it is refused."""
    for centre, patient in health_centres:
        booked, cascade = together(
            partial(centre.book, patient),
            partial(
                deceased.register,
                patient_id=patient.pk,
                deceased_on=TODAY,
                reason="Dödsbevis",
                by=centre.doctor,
                at=NOW,
            ),
        )
        assert not isinstance(cascade, Exception), cascade
        if isinstance(booked, Exception):
            assert (booked.rule, patient.appointments.count()) == ("AV-02", 0)
        else:
            booked.refresh_from_db()
            assert (booked.status, booked.cancelled_by) == ("cancelled", "provider")
        assert ResourceBooking.objects.count() == 0
        assert broken() == {}


def test_two_who_register_a_death_run_one_cascade(health_centres):
    """AV-01, AV-02, PL-27"""
    for centre, patient in health_centres:
        centre.book(patient)
        _, lost, _ = by_each(
            centre,
            deceased.register,
            patient_id=patient.pk,
            deceased_on=TODAY,
            reason="Dödsbevis",
            at=NOW,
        )
        assert (lost.rule, lost.code) == ("AV-01", "already_deceased")
        assert patient.deceased_cascades.get().changes.filter(consumer="appointment").count() == 1


def test_a_commitment_is_not_closed_under_a_booking_made_at_the_same_time(clinics):
    """UT-03, VH-08, UT-07: either it is closed and nothing is booked on it, or it is booked and stays open."""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        closed, booked = together(
            partial(
                commitments.close_by_id, commitment_id=commitment.pk, reason="Färdigbehandlad", by=clinic.doctor, at=NOW
            ),
            partial(clinic.book, patient),
        )
        won, (lost,) = one_winner([closed, booked])
        commitment.refresh_from_db()
        if won is closed:
            assert (lost.rule, commitment.status, patient.appointments.count()) == ("VH-08", "closed", 0)
        else:
            assert (lost.rule, lost.code) == ("UT-03", "planning_left")
            assert (commitment.status, won.encounter.commitment_id) == ("open", commitment.pk)
        assert broken() == {}


def test_two_referrals_of_one_problem_accepted_at_once_give_one_commitment(clinics):
    """VA-01"""
    for clinic, patient in clinics:
        received = [
            referrals.register(
                patient_id=patient.pk,
                care_unit=clinic.unit,
                kind="R",
                arrival_date=TODAY,
                referrer=referrer,
                by=clinic.nurse,
                at=NOW,
            )
            for referrer in ("Vårdcentralen Öster", "Vårdcentralen Söder")
        ]
        answers = together(
            *[
                partial(referrals.accept, referral_id=referral.pk, problem_code=clinic.problem, by=person, at=NOW)
                for referral, person in zip(received, [clinic.nurse, clinic.doctor], strict=True)
            ]
        )
        assert [getattr(answer, "status", answer) for answer in answers] == ["accepted", "accepted"]
        assert {answer.commitment_id for answer in answers} == {patient.commitments.get().pk}
        assert promises.broken(at=NOW).count() == 0


def test_of_two_decisions_on_one_referral_one_counts_and_the_other_is_told_who_took_it(clinics):
    """VA-03, PL-27"""
    for clinic, patient in clinics:
        referral = referrals.register(
            patient_id=patient.pk,
            care_unit=clinic.unit,
            kind="R",
            arrival_date=TODAY,
            referrer="Vårdcentralen Öster",
            by=clinic.nurse,
            at=NOW,
        )
        answers = together(
            partial(referrals.accept, referral_id=referral.pk, problem_code=clinic.problem, by=clinic.nurse, at=NOW),
            partial(
                referrals.decide,
                referral_id=referral.pk,
                decision="reject",
                reason="Hör till primärvården",
                by=clinic.doctor,
                at=NOW,
            ),
        )
        won, (lost,) = one_winner(answers)
        assert isinstance(lost, RuleError), lost
        assert (lost.code, lost.by) == ("wrong_status", won.decided_by.name)
        assert patient.referrals.get().status == won.status
        assert patient.commitments.count() == int(won.status == "accepted")


def test_one_request_booked_by_two_becomes_one_booking(clinics):
    """BB-01, BO-01"""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        request = work_items.request_booking(
            patient_id=patient.pk,
            care_unit=clinic.unit,
            commitment_id=commitment.pk,
            visit_type=clinic.nurse_visit,
            contact_reason=clinic.reason,
            wished_from=TODAY,
            wished_to=TODAY + 14 * DAY,
            by=clinic.nurse,
            at=NOW,
        )
        won, (lost,) = one_winner(
            together(
                *[
                    partial(clinic.book, patient, NOW + days * DAY, booking_request_id=request.pk, by=person)
                    for days, person in ((2, clinic.nurse), (3, clinic.doctor))
                ]
            )
        )
        assert (lost.rule, lost.code) == ("BB-01", "already_done")
        request.refresh_from_db()
        assert (request.status, patient.appointments.get()) == ("booked", won)


def test_one_remiss_booked_by_two_becomes_one_booking_and_the_other_is_told_who_booked(clinics):
    """BO-01, PL-27: booked from the remiss; another visit on its vårdåtagande is not."""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        asked = {"commitment_id": commitment.pk, "referral_id": commitment.referrals.get().pk}
        won, (lost,) = one_winner(
            together(
                *[
                    partial(clinic.book, patient, NOW + days * DAY, by=person, **asked)
                    for days, person in ((2, clinic.nurse), (3, clinic.doctor))
                ]
            )
        )
        assert (lost.rule, lost.code, lost.by) == ("BO-01", "already_done", won.created_by.name)
        assert patient.appointments.get() == won
        clinic.book(patient, NOW + 4 * DAY, commitment_id=commitment.pk)
        assert patient.appointments.count() == 2


def test_of_those_who_register_one_personnummer_at_once_one_makes_the_patient():
    """PA-03"""
    for number in numbers(ROUNDS):
        fields = {"identity": number, "given_name": "Hodan", "surname": "Abdi", "by": None, "at": NOW}
        patient, refused = one_winner(together(*[partial(patients.register, **fields)] * 4))
        assert {(refusal.rule, refusal.code) for refusal in refused} == {("PA-03", "already_known")}
        assert list(PatientIdentity.objects.filter(value=number).values_list("patient", flat=True)) == [patient.pk]


def test_a_check_out_and_the_closing_of_its_commitment_take_turns(clinics):
    """UT-03, UT-07: a visit that goes on keeps its vårdåtagande open; checked out, the item it left is ended too."""
    for clinic, patient in clinics:
        commitment = clinic.commitment(patient)
        visit = clinic.arrived(patient)
        checked_out, closed = together(
            partial(
                check_out.check_out,
                encounter_id=visit.encounter_id,
                outcome="no_further_planning",
                accept_warnings=["UT-05"],
                by=clinic.nurse,
                at=NOW,
                registered_at=NOW,
            ),
            partial(
                commitments.close_by_id, commitment_id=commitment.pk, reason="Färdigbehandlad", by=clinic.doctor, at=NOW
            ),
        )
        assert isinstance(checked_out, CheckOut), checked_out
        if isinstance(closed, Exception):
            assert (closed.rule, closed.code) == ("UT-03", "ongoing")
        assert MissingFollowUp.objects.open().filter(patient=patient).count() == int(isinstance(closed, Exception))
        assert broken() == {}


def test_of_two_who_admit_the_same_patient_one_gives_a_bed_and_the_other_is_told_who_did(db):
    """VH-09, PL-27: at one unit in two beds, at two units, and at the emergency department."""
    for round_, number in enumerate(numbers(3 * ROUNDS)):
        units = [make.InpatientUnitFactory(), make.InpatientUnitFactory()]
        if round_ % 3 == 0:
            units = [units[0]] * 2
        elif round_ % 3 == 1:
            units = [make.EmergencyDepartmentFactory()] * 2
        is_ward = units[0].kind == "slutenvard"
        beds = [make.PlaceFactory(care_unit=unit, kind="bed") if is_ward else None for unit in units]
        people, patient = [make.UserFactory(), make.UserFactory()], make.patient(identity=number)
        answers = together(
            *[
                partial(
                    admissions.begin,
                    patient_id=patient.pk,
                    care_unit=unit,
                    situation=DIRECT_ADMISSION if is_ward else EMERGENCY_ARRIVAL,
                    place_id=bed.pk if bed else None,
                    by=person,
                    at=NOW,
                )
                for unit, bed, person in zip(units, beds, people, strict=True)
            ]
        )
        won, (lost,) = one_winner(answers)
        assert isinstance(lost, RuleError), lost
        assert (lost.rule, lost.code) == ("VH-09", "already_here" if units[0] == units[1] else "lies_elsewhere")
        assert lost.by == won.created_by.name
        assert patient.encounters.get() == won
        assert PlaceStay.objects.filter(encounter__patient=patient).count() == int(is_ward)
        assert broken() == {}
