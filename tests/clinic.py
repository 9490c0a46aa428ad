"""A small clinic for tests: a specialised unit and a health centre with a nurse and a doctor each, open day and night.

Everything that has a life is made through the actions, so only reachable states exist."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from registration.actions import commitments, patients, referrals
from registration.models import ContactReason, ProblemCode, VisitType
from scheduling.actions import appointments
from scheduling.models import OutcomeReason, Resource, ResourceKind, WeeklyHours
from sdv.accounts.models import Practitioner, Profession, StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.organisation.models import CareArea, CareProvider, CareUnit, Facility

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)  # a Friday, 09:00 in Stockholm
TODAY = date(2026, 11, 20)
EVENING = NOW + timedelta(hours=8)
HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)
# Official test personnummer (Skatteverket, CC0).
NUMBERS = [
    "189001189811", "189010319813", "189012049814", "189110209815", "189112149803", "189201129815", "189302229803",
    "189310159810", "189311259809", "189511259807", "189610289804", "189811059808", "190104199815", "190111049805",
    "190111309803", "190210019816", "190311119812", "190312069800", "190312119811", "190401219803", "190401319801",
    "190406029819", "190609039805", "190610029811", "191001029816", "191002089801", "191002109807", "191002179818",
    "191003189808",
]  # fmt: skip


class Clinic:
    """The rows of one clinic, and shorthand for what happens there."""

    def __init__(self, kind="specialistmottagning", area="Sp", name="Ortopedmottagningen"):
        self.provider, _ = CareProvider.objects.get_or_create(hsa_id="SE-P", defaults={"name": "Provregionen"})
        self.facility, _ = Facility.objects.get_or_create(
            hsa_id="SE-F", defaults={"name": "Provsjukhuset", "care_provider": self.provider}
        )
        self.unit = CareUnit.objects.create(
            hsa_id=f"SE-{name}"[:32],
            name=name,
            short_name=name[:20],
            facility=self.facility,
            kind=kind,
            care_area=CareArea.objects.get(abbreviation=area),
            sends_reminders=True,
        )
        self.nurse, self.nurse_resource = self._caregiver("Ssk", "Sara", "Norén", name)
        self.doctor, self.doctor_resource = self._caregiver("Läk", "Anna", "Holm", name)
        visit_types = VisitType.objects.filter(care_area=self.unit.care_area, contact_form="physical")
        own = visit_types.filter(requires_place=False, is_diagnostic=False, valid_to=None)
        self.nurse_visit = own.filter(profession__abbreviation="Ssk", name__endswith="Återbesök").first()
        self.doctor_visit = own.filter(profession__abbreviation="Läk", name__endswith="Återbesök").first()
        self.reason = ContactReason.objects.get(code="bedomning-ospecificerad")
        self.problem, self.other_problem = ProblemCode.objects.order_by("code")[:2]
        self._patients = 0

    def _caregiver(self, profession, given_name, surname, unit_name):
        user = User.objects.create_user(f"{surname}-{unit_name}".lower()[:80], name=f"{given_name} {surname}")
        practitioner = Practitioner.objects.create(
            user=user,
            hsa_id=f"SE-{surname}-{unit_name}"[:32],
            given_name=given_name,
            surname=surname,
            profession=Profession.objects.get(abbreviation=profession),
        )
        resource = Resource.objects.create(
            care_unit=self.unit, kind=ResourceKind.PERSON, name=f"{given_name} {surname}", practitioner=practitioner
        )
        told = {"from_time": time(0), "to_time": time(23, 59), "slot_minutes": 30, "on_holidays": True}
        WeeklyHours.objects.bulk_create(WeeklyHours(resource=resource, weekday=day, **told) for day in range(1, 8))
        return user, resource

    def staff(self, role=Role.RECEPTIONIST, username=None, name="Maria Ek"):
        """A user with one assignment at the unit."""
        username = username or f"{role}-{self.unit.pk}"
        user = User.objects.create_user(username, password="ett långt lösenord", name=name)
        StaffAssignment.objects.create(user=user, care_unit=self.unit, role=role, hsa_id=f"SE-{username}"[-32:])
        return user

    def patient(self, **fields):
        """A patient on the next test number."""
        number = fields.pop("identity", None) or NUMBERS[self._patients % len(NUMBERS)]
        self._patients += 1
        defaults = {"given_name": "Hodan", "surname": "Abdi", "by": self.nurse, "at": NOW}
        return patients.register(identity=number, **(defaults | fields))

    def commitment(self, patient, problem=None, at=NOW):
        """An open vårdåtagande by an accepted remiss."""
        referral = referrals.register(
            patient_id=patient.pk,
            care_unit=self.unit,
            kind="R",
            arrival_date=at.date(),
            referrer="Vårdcentralen Öster",
            by=self.doctor,
            at=at,
        )
        accepted = referrals.accept(
            referral_id=referral.pk, problem_code=problem or self.problem, by=self.doctor, at=at
        )
        return accepted.commitment

    @transaction.atomic
    def in_care(self, patient):
        """An open vårdåtagande alone, for what is planned on it: no remiss waits to be booked."""
        same = {"patient": patient, "care_unit": self.unit, "problem_code": self.problem}
        return commitments.open_commitment(**same, by=self.doctor, at=NOW)

    def book(self, patient, start=NOW + 2 * DAY, *, at=NOW, visit_type=None, resource=None, **fields):
        """A booked visit to the nurse."""
        visit_type = visit_type or self.nurse_visit
        return appointments.book(
            patient_id=patient.pk,
            care_unit=self.unit,
            visit_type=visit_type,
            contact_reason_id=self.reason.pk,
            start=start,
            end=fields.pop("end", start + HALF_HOUR),
            resource_ids=fields.pop("resource_ids", [(resource or self.nurse_resource).pk]),
            by=fields.pop("by", self.nurse),
            at=at,
            **fields,
        )

    def arrived(self, patient, start=NOW, *, at=None, **fields):
        """A visit booked earlier that has arrived at its start."""
        appointment = self.book(patient, start, at=start - DAY, **fields)
        return appointments.arrive(appointment_id=appointment.pk, by=self.nurse, at=at or start)

    @staticmethod
    def outcome_reason(outcome):
        """The code of an outcome's first reason."""
        return OutcomeReason.objects.filter(outcome=outcome).order_by("position").first().code
