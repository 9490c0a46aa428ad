"""What tests talk about, in the words of the domain. Whatever lives is made by the actions, so every state is one that
users can reach; the catalogues come with the test database (tests/conftest.py: `catalogues`).

Organisation, staff and schedules are factory-boy factories:

    clinic = SpecialisedClinicFactory()
    user = clinician(clinic)                       # a user with one assignment
    doctor = ResourceFactory(care_unit=clinic)     # a person with a tidbok open all days, all hours

Patients and contacts are functions:

    booked_visit(care_unit=clinic)                 # Appointment, booked an hour from now
    arrived_visit(...)                             # Appointment, its encounter in progress
    checked_out_visit(..., outcome="follow_up")    # Appointment, its encounter checked out
    ended_visit(...)                               # Encounter, ended at 23:59 of its day

Times default to the present minute; give `at` (and `start`) where a test is about time."""

from datetime import time, timedelta
from itertools import count

import factory
from django.db import transaction
from factory.django import DjangoModelFactory

from registration import type_choice
from registration.actions import clock, encounters, patients, referrals
from registration.actions import commitments as grounds
from registration.models import (
    CareCommitment,
    ContactReason,
    Encounter,
    EncounterType,
    PatientIdentity,
    ProblemCode,
    ReferralKind,
    VisitType,
)
from registration.type_choice import DROP_IN
from scheduling.actions import appointments, check_out, commitments, work_items
from scheduling.models import Appointment, OutcomeReason, Resource, ResourceKind, WeeklyHours
from sdv.accounts.actor import Actor
from sdv.accounts.models import Practitioner, Profession, StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.common.time import at_local, end_of_day, local_date, minute, now, start_of_day
from sdv.desk.demo.identities import personnummer
from sdv.flows import cancellation
from sdv.organisation.models import (
    CareArea,
    CareProvider,
    CareUnit,
    CareUnitKind,
    Facility,
    Place,
    PlaceKind,
    Reception,
    Ward,
)

PASSWORD = "lösenord för prov"

_numbers = count(1)


def _hsa_id(kind):
    return factory.LazyFunction(lambda: f"SE2321000131-{kind}{next(_numbers):06d}")


# --- Organisation -------------------------------------------------------------------------------------------------


class CareProviderFactory(DjangoModelFactory):
    class Meta:
        model = CareProvider
        django_get_or_create = ("hsa_id",)

    hsa_id = "SE2321000131-P000001"
    name = "Region Provning"


class FacilityFactory(DjangoModelFactory):
    class Meta:
        model = Facility

    hsa_id = _hsa_id("F")
    name = factory.Sequence(lambda n: f"Provhuset {n}")
    care_provider = factory.SubFactory(CareProviderFactory)


class CareUnitFactory(DjangoModelFactory):
    """A vårdcentral; `area` is the abbreviation of the vårdområde whose besökstyper it books."""

    class Meta:
        model = CareUnit

    class Params:
        area = "Pv"

    hsa_id = _hsa_id("E")
    name = factory.Sequence(lambda n: f"Vårdcentralen Provet {n}")
    short_name = factory.LazyAttribute(lambda unit: unit.name)
    facility = factory.SubFactory(FacilityFactory)
    kind = CareUnitKind.HEALTH_CENTRE
    care_area = factory.LazyAttribute(lambda unit: CareArea.objects.get(abbreviation=unit.area) if unit.area else None)


HealthCentreFactory = CareUnitFactory


class ChildHealthCentreFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"BVC Provet {n}")
    kind = CareUnitKind.CHILD_HEALTH

    class Params:
        area = "Bhv"


class YouthClinicFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"Ungdomsmottagningen Provet {n}")
    kind = CareUnitKind.YOUTH

    class Params:
        area = "Um"


class SpecialisedClinicFactory(CareUnitFactory):
    """A specialist clinic: its visits need a vårdåtagande and are checked out by hand (VH-08, VH-15)."""

    name = factory.Sequence(lambda n: f"Specialistmottagningen Provet {n}")
    kind = CareUnitKind.SPECIALISED

    class Params:
        area = "Sp"


class EmergencyDepartmentFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"Akutmottagningen Provet {n}")
    kind = CareUnitKind.EMERGENCY

    class Params:
        area = None


class InpatientUnitFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"Avdelning Provet {n}")
    kind = CareUnitKind.INPATIENT

    class Params:
        area = None


class DialysisUnitFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"Dialysen Provet {n}")
    kind = CareUnitKind.DIALYSIS

    class Params:
        area = "Sp"


class MaternityUnitFactory(CareUnitFactory):
    name = factory.Sequence(lambda n: f"Förlossningen Provet {n}")
    kind = CareUnitKind.MATERNITY

    class Params:
        area = None


class ReceptionFactory(DjangoModelFactory):
    class Meta:
        model = Reception

    hsa_id = _hsa_id("R")
    name = factory.Sequence(lambda n: f"Mottagning {n}")
    care_unit = factory.SubFactory(CareUnitFactory)


class WardFactory(DjangoModelFactory):
    class Meta:
        model = Ward

    hsa_id = _hsa_id("W")
    name = factory.Sequence(lambda n: f"Avdelning {n}")
    care_unit = factory.SubFactory(InpatientUnitFactory)


class PlaceFactory(DjangoModelFactory):
    class Meta:
        model = Place

    name = factory.Sequence(lambda n: f"Stol {n}")
    kind = PlaceKind.CHAIR
    care_unit = factory.SubFactory(SpecialisedClinicFactory)


# --- Staff --------------------------------------------------------------------------------------------------------


class UserFactory(DjangoModelFactory):
    """Somebody who can log in, with the password PASSWORD."""

    class Meta:
        model = User

    username = factory.LazyFunction(lambda: f"anvandare{next(_numbers)}")
    name = factory.Sequence(lambda n: f"Person {n} Provsson")
    password = factory.django.Password(PASSWORD)


class StaffAssignmentFactory(DjangoModelFactory):
    class Meta:
        model = StaffAssignment

    user = factory.SubFactory(UserFactory)
    care_unit = factory.SubFactory(CareUnitFactory)
    role = Role.RECEPTIONIST
    hsa_id = _hsa_id("U")


def staff(role, *care_units, **fields):
    """A user with an assignment in the role at each of the units (at one of its own where none is given)."""
    user = UserFactory(**fields)
    for care_unit in care_units or [CareUnitFactory()]:
        StaffAssignmentFactory(user=user, care_unit=care_unit, role=role)
    return user


def receptionist(*care_units, **fields):
    return staff(Role.RECEPTIONIST, *care_units, **fields)


def clinician(*care_units, **fields):
    return staff(Role.CLINICIAN, *care_units, **fields)


def coordinator(*care_units, **fields):
    return staff(Role.COORDINATOR, *care_units, **fields)


def actor_of(user):
    """The user as a request has it, acting with the first assignment."""
    return Actor(user=user, assignments=list(user.assignments.select_related("care_unit").order_by("id")))


class PractitionerFactory(DjangoModelFactory):
    """Who meets patients; `abbreviation` is that of the yrkeskategori: Läk, Ssk …"""

    class Meta:
        model = Practitioner

    class Params:
        abbreviation = "Läk"

    hsa_id = _hsa_id("M")
    given_name = "Anna"
    surname = factory.Sequence(lambda n: f"Holm{n}")
    profession = factory.LazyAttribute(lambda who: Profession.objects.get(abbreviation=who.abbreviation))


class WeeklyHoursFactory(DjangoModelFactory):
    class Meta:
        model = WeeklyHours

    weekday = 1
    from_time = time(0, 0)
    to_time = time(23, 59)
    slot_minutes = 15
    on_holidays = True


class ResourceFactory(DjangoModelFactory):
    """A person with a tidbok that is open all days and hours; `open_all_hours=False` leaves it without hours."""

    class Meta:
        model = Resource
        skip_postgeneration_save = True

    class Params:
        profession = "Läk"

    care_unit = factory.SubFactory(CareUnitFactory)
    kind = ResourceKind.PERSON
    practitioner = factory.LazyAttribute(lambda resource: PractitionerFactory(abbreviation=resource.profession))
    name = factory.LazyAttribute(lambda resource: f"{resource.practitioner} {next(_numbers)}")

    @factory.post_generation
    def open_all_hours(self, create, extracted, **kwargs):
        if create and extracted is not False:
            WeeklyHours.objects.bulk_create(WeeklyHoursFactory.build(resource=self, weekday=day) for day in range(1, 8))


def resource_for(care_unit, visit_type):
    """Some person of the unit who can be booked for the visit type; made where there is none."""
    found = Resource.objects.filter(
        care_unit=care_unit, kind=ResourceKind.PERSON, practitioner__profession=visit_type.profession
    ).first()
    return found or ResourceFactory(care_unit=care_unit, profession=visit_type.profession.abbreviation)


# --- Catalogue rows by their names --------------------------------------------------------------------------------


def visit_type(name="Pv Ssk Återbesök"):
    return VisitType.objects.get(name=name)


def contact_reason(name="uppföljning ospecificerad"):
    return ContactReason.objects.get(name=name)


def problem_code(code="demo01"):
    return ProblemCode.objects.get(code=code)


USUAL_VISIT_TYPES = {
    "Pv": "Pv Ssk Återbesök",
    "Bhv": "Bhv Ssk Nybesök",
    "Um": "Um Bm Återbesök",
    "Sp": "Sp Läk Återbesök",
}


def usual_visit_type(care_unit):
    """What is mostly booked at a unit of its vårdområde."""
    return visit_type(USUAL_VISIT_TYPES[care_unit.care_area.abbreviation])


# --- Patients -----------------------------------------------------------------------------------------------------


def test_number():
    """An official test personnummer that no patient has yet: an adult's."""
    known = set(PatientIdentity.objects.values_list("value", flat=True))
    return next(number for number in personnummer() if number not in known and "1940" < number[:4] < "2005")


test_number.__test__ = False


def patient(**fields):
    """A patient registered by the action; any of its fields may be given."""
    fields = {
        "identity": fields.pop("identity", None) or test_number(),
        "given_name": "Maria",
        "surname": "Öberg",
        "by": None,
        "at": now(),
    } | fields
    return patients.register(**fields)


def protected_patient(**fields):
    """A patient with sekretessmarkering (SK-01)."""
    return patient(**{"protection": "sekretessmarkering"} | fields)


def open_commitment(*, patient, care_unit, by=None, at=None, problem="demo01"):
    """An open vårdåtagande of the patient at the unit, with its accepted ground in Att boka (VA-01, UT-07)."""
    return commitments.open_for(
        patient_id=patient.pk, care_unit=care_unit, problem_code=problem_code(problem), by=by, at=at or now()
    )


def received_referral(*, patient=None, care_unit=None, by=None, at=None, **fields):
    """A remiss that waits for a decision (VA-02)."""
    at = at or now()
    return referrals.register(
        patient_id=(patient or globals()["patient"]()).pk,
        care_unit=care_unit or SpecialisedClinicFactory(),
        by=by,
        at=at,
        **{"kind": ReferralKind.REFERRAL, "referrer": "Vårdcentralen Provet", "arrival_date": local_date(at)} | fields,
    )


def accepted_referral(*, by=None, at=None, problem="demo01", **fields):
    """A remiss in Att boka with its vårdåtagande (VA-03)."""
    at = at or now()
    referral = received_referral(by=by, at=at, **fields)
    return referrals.accept(referral_id=referral.pk, problem_code=problem_code(problem), by=by, at=at)


# --- Bookings and contacts ----------------------------------------------------------------------------------------


def in_days(days):
    """Ten o'clock that many days from today: a time that fits a tidbok whatever the hour is now."""
    return at_local(local_date(now()) + timedelta(days=days), time(10))


def booked_visit(
    *,
    care_unit=None,
    patient=None,
    visit_type=None,
    contact_reason=None,
    resource=None,
    others=(),
    start=None,
    minutes=None,
    commitment=None,
    by=None,
    at=None,
    **fields,
):
    """A booked visit: the Appointment, with its pre-registration. Starts in an hour (but on the day of `at`); at a
    specialist clinic the patient gets a vårdåtagande first (VH-08)."""
    at = minute(at or now())
    care_unit = care_unit or CareUnitFactory()
    patient = patient or globals()["patient"](at=at)
    visit_type = _named(VisitType, visit_type) or usual_visit_type(care_unit)
    reason = _named(ContactReason, contact_reason) or globals()["contact_reason"]()
    resource = resource or resource_for(care_unit, visit_type)
    length = timedelta(minutes=minutes or visit_type.default_minutes)
    start = start or min(at + timedelta(hours=1), end_of_day(local_date(at)) - length)
    needs = EncounterType.objects.get(pk=type_choice.at_arrival(care_unit, visit_type)).requires_commitment
    if needs and commitment is None:
        found = CareCommitment.objects.open().filter(patient=patient, care_unit=care_unit).first()
        commitment = found or open_commitment(patient=patient, care_unit=care_unit, by=by, at=at)
    return appointments.book(
        patient_id=patient.pk,
        care_unit=care_unit,
        visit_type=visit_type,
        contact_reason_id=reason.pk,
        start=start,
        end=start + length,
        resource_ids=[row.pk for row in (resource, *others)],
        commitment_id=commitment.pk if commitment else None,
        by=by,
        at=at,
        **fields,
    )


def _named(model, given):
    return model.objects.get(name=given) if isinstance(given, str) else given


def arrived_visit(*, by=None, at=None, arrived_at=None, identity_shown="Legitimation", **fields):
    """A visit whose patient has come. `at` is when it is booked; arrival is then or at `arrived_at`."""
    at = minute(at or now())
    appointment = booked_visit(by=by, at=at, **fields)
    arrived_at = arrived_at or max(at, start_of_day(local_date(appointment.start)))
    return appointments.arrive(appointment_id=appointment.pk, by=by, at=arrived_at, identity_shown=identity_shown)


def checked_out_visit(*, by=None, at=None, checked_out_at=None, outcome="follow_up", reason=None, **fields):
    """A visit at a specialist clinic (unless another unit is given), checked out with the outcome."""
    by = by or UserFactory()
    fields.setdefault("care_unit", None)
    fields["care_unit"] = fields["care_unit"] or SpecialisedClinicFactory()
    appointment = arrived_visit(by=by, at=at, **fields)
    checked_out_at = checked_out_at or appointment.encounter.start
    check_visit_out(appointment.encounter, outcome=outcome, reason=reason, by=by, at=checked_out_at)
    return Appointment.objects.select_related("encounter", "patient", "care_unit").get(pk=appointment.pk)


def check_visit_out(encounter, *, outcome, by, at=None, reason=None, **fields):
    """Checks out with what the outcome needs: its first reason, a follow-up in two weeks, the warning kept."""
    at = at or now()
    if reason is None and outcome in ("end_commitment", "await_result"):
        reason = OutcomeReason.objects.filter(outcome_id=outcome).order_by("position").first().code
    if outcome == "follow_up" and "follow_ups" not in fields:
        day = local_date(at)
        fields["follow_ups"] = [
            {
                "visit_type": encounter.visit_type,
                "contact_reason": contact_reason(),
                "wished_from": day + timedelta(days=14),
                "wished_to": day + timedelta(days=28),
            }
        ]
    return check_out.check_out(
        encounter_id=encounter.pk,
        outcome=outcome,
        reason=reason,
        by=by,
        at=at,
        registered_at=at,
        **{"accept_warnings": ["UT-05"]} | fields,
    )


def ended_visit(*, at=None, **fields):
    """An Encounter that ended by itself at 23:59 of its day, yesterday where no `at` is given (VH-17). Note that the
    clock's job runs for everything that is due then."""
    at = minute(at or now() - timedelta(days=1))
    appointment = arrived_visit(at=at, **fields)
    encounter = appointment.encounter
    if encounter.type.check_out == "manual":
        check_visit_out(encounter, outcome="follow_up", by=fields.get("by") or UserFactory(), at=encounter.start)
    clock.auto_discharge(at=end_of_day(local_date(encounter.start)))
    return Encounter.objects.get(pk=encounter.pk)


def no_show(*, at=None, by=None, **fields):
    """A visit whose patient did not come (VH-11): the Appointment."""
    at = minute(at or now())
    appointment = booked_visit(at=at, by=by, **{"start": at} | fields)
    return appointments.no_show(appointment_id=appointment.pk, by=by, at=max(at, appointment.start))


def cancelled_visit(*, at=None, by=None, cancelled_by="provider", reason="Läkaren är sjuk", **fields):
    """A booking that was cancelled (BO-03): the Appointment."""
    at = minute(at or now())
    appointment = booked_visit(at=at, by=by, **fields)
    return cancellation.cancel(appointment_id=appointment.pk, cancelled_by=cancelled_by, reason=reason, by=by, at=at)


def unbooked_visit(*, care_unit=None, patient=None, situation=DROP_IN, by=None, at=None, **fields):
    """A contact that began without a booking: the Encounter (VH-03)."""
    care_unit = care_unit or CareUnitFactory()
    patient = patient or globals()["patient"]()
    return encounters.register_unbooked(
        patient_id=patient.pk, care_unit=care_unit, situation=situation, by=by, at=at or now(), **fields
    )


# The ways in and out of a stay at a ward (VH-23).
HOME_AGAIN = {"admitted_from": "home", "discharged_to": "home"}


@transaction.atomic
def booking_request(*, care_unit=None, patient=None, visit_type=None, by=None, at=None, **fields):
    """A bokningsbegäran for a fortnight from now (BB-01), on a vårdåtagande where the unit is specialised (VA-01)."""
    at = at or now()
    care_unit = care_unit or CareUnitFactory()
    patient = patient or globals()["patient"]()
    day = local_date(at)
    if "commitment_id" not in fields and not care_unit.is_primary_care:
        same = {"patient": patient, "care_unit": care_unit, "problem_code": problem_code("demo01")}
        fields["commitment_id"] = grounds.open_commitment(**same, by=by, at=at).pk
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=care_unit,
        visit_type=_named(VisitType, visit_type) or usual_visit_type(care_unit),
        by=by or UserFactory(),
        at=at,
        **{
            "contact_reason": contact_reason(),
            "wished_from": day,
            "wished_to": day + timedelta(days=14),
        }
        | fields,
    )
