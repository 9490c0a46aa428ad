"""What has happened, happens today and is planned in the invented region: all of it by the actions, at its own time, so
that every row is one that users could have made."""

from collections import defaultdict
from datetime import time, timedelta

from classification.actions import coding
from classification.models import Code, System
from registration.actions import admissions, clock, encounters, facts, referrals
from registration.models import ContactReason, Encounter, ProblemCode, ReferralKind
from registration.type_choice import CONTACT_WITHOUT_VISIT, DIRECT_ADMISSION, DROP_IN, EMERGENCY_ARRIVAL
from scheduling.actions import appointments, check_out, commitments, work_items
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem, OutcomeReason
from sdv.common.errors import RuleError
from sdv.common.time import at_local, end_of_day, local, local_date, minute, start_of_day
from sdv.flows import cancellation

from . import people, referred
from .region import BOOKED_UNITS, CLOSES, OPENS, PRIMARY_CARE, window

DAYS_BACK, DAYS_AHEAD = 88, 21
# How the contacts of a day spread over the units.
SHARES = {
    "bryggan": 22,
    "ekbacken": 14,
    "sjolunda": 12,
    "bvc": 12,
    "ungdom": 10,
    "medicin": 17,
    "akut": 10,
    "avdelning": 3,
}
COMMON_DIAGNOSES = ["I109", "E119", "J069", "M545", "N309", "J459", "H669", "L309", "R104", "F329", "M179", "J449", "I489",
                    "I509", "E039", "K219", "R074", "G439"]  # fmt: skip
CANCEL_REASONS = ["Förhinder", "Patienten är sjuk", "Behandlaren är sjuk", "Tiden passade inte"]
REFERRERS = [
    "Vårdcentralen Bryggan",
    "Vårdcentralen Ekbacken",
    "Akutmottagningen Åsby sjukhus",
    "Företagshälsan Ågatan",
]


class Story:
    """The story of the region up to `at` and three weeks on. `contacts` is about how many lie behind."""

    def __init__(self, *, region, patients, contacts, rng, at):
        self.region, self.rng, self.at = region, rng, at
        self.today = local_date(at)
        self.contacts = contacts
        self.scale = len(patients) / 2000
        self.reception, self.coordinator = region.users["reception"], region.users["koordinator"]
        self.problems = list(ProblemCode.objects.all())
        self.reasons = {
            outcome: list(OutcomeReason.objects.filter(outcome_id=outcome))
            for outcome in ("end_commitment", "await_result")
        }
        self.pools = {
            "bvc": people.of_age(patients, 0, 6, at=at),
            "ungdom": people.of_age(patients, 13, 24, at=at),
            "medicin": people.of_age(patients, 18, 105, at=at),
        }
        self.everyone = patients
        # What is taken of each resource, by day; and who has been somewhere that day.
        self.taken = defaultdict(list)
        self.seen = defaultdict(set)
        # Until when each lies on a ward: nobody is anywhere else meanwhile (VH-09).
        self.lying = {}

    # --- Small parts ------------------------------------------------------------------------------------------------

    def some(self, how_many):
        """The number, smaller where there are fewer patients, but never none."""
        return max(1, round(how_many * self.scale))

    def patient(self, key, day):
        """Somebody who fits the unit and has nothing else that day (PL-06)."""
        pool = self.pools.get(key) or self.everyone
        for _ in range(20):
            patient = self.rng.choice(pool)
            if patient.pk not in self.seen[day]:
                self.seen[day].add(patient.pk)
                return patient
        return None

    def is_lying(self, patient, at):
        """Whether the patient lies on a ward then."""
        return patient.pk in self.lying and self.lying[patient.pk] > at

    def clinician(self, unit):
        return self.rng.choice(unit.clinicians)

    def slot(self, resource, minutes, day, *, opens=OPENS, closes=CLOSES, at_once=False):
        """A free time of the resource that day, or None where it looks full. `at_once`: the time that has just begun."""
        taken = self.taken[resource.pk, day]
        first, last = at_local(day, opens), at_local(day, closes) - timedelta(minutes=minutes)
        quarters = int((last - first) / timedelta(minutes=15))
        for _ in range(8 if quarters >= 0 else 0):
            start = first + timedelta(minutes=15 * self.rng.randint(0, quarters))
            if at_once:
                start = first + timedelta(minutes=15) * min(
                    quarters, max(0, (self.at - first) // timedelta(minutes=15))
                )
            end = start + timedelta(minutes=minutes)
            if not any(start < upper and lower < end for lower, upper in taken):
                taken.append((start, end))
                return start
        return None

    def book(self, unit, visit_type, resource, patient, start, *, booked_at, **fields):
        """A booking made at its own time, never after its start."""
        return appointments.book(
            patient_id=patient.pk,
            care_unit=unit.row,
            visit_type=visit_type,
            contact_reason_id=fields.pop("contact_reason_id", None)
            or self.rng.choice(self.region.reasons[visit_type.pk]),
            start=start,
            end=start + timedelta(minutes=visit_type.default_minutes),
            resource_ids=[resource.pk],
            by=self.reception,
            at=min(booked_at, start),
            **fields,
        )

    def before(self, start, lowest=2, highest=25):
        """An office hour some days before."""
        day = local_date(start) - timedelta(days=self.rng.randint(lowest, highest))
        return at_local(day, time(self.rng.randint(8, 15), self.rng.randint(0, 59)))

    def commitment(self, unit, patient, *, on):
        """The ground of specialised care: a remiss, received and accepted some days before (VA-01, VA-03)."""
        accepted_at = at_local(on - timedelta(days=self.rng.randint(1, 8)), time(13, self.rng.randint(0, 59)))
        referral = self.referral(unit, patient, arrived_at=accepted_at - timedelta(days=self.rng.randint(0, 5)))
        problem = referral.problem_code
        return referrals.accept(
            referral_id=referral.pk,
            problem_code=problem,
            days_to_first_contact=self.rng.choice([7, 14, 30, 60]),
            by=self.clinician(unit),
            at=accepted_at,
        ).commitment

    def referral(self, unit, patient, *, arrived_at, addressed_to=None):
        kind = self.rng.choice([ReferralKind.REFERRAL] * 4 + [ReferralKind.SELF])
        arrival = local_date(arrived_at)
        return referrals.register(
            patient_id=patient.pk,
            care_unit=unit.row,
            kind=kind,
            referrer=self.rng.choice(REFERRERS) if kind == ReferralKind.REFERRAL else "",
            decision_date=arrival - timedelta(days=self.rng.randint(0, 4)) if kind == ReferralKind.REFERRAL else None,
            arrival_date=arrival,
            problem_code=self.rng.choice(self.problems),
            addressed_to=addressed_to,
            by=self.coordinator,
            at=arrived_at,
        )

    def check_out(self, unit, encounter, *, outcome, at, by=None):
        """Checks out with what the outcome needs (UT-02). Where something is booked or waits, that is the plan (UT-03)."""
        if outcome == "end_commitment" and commitments.closing_refusal(encounter.commitment, at=at):
            outcome = "no_further_planning"
        reasons = self.reasons.get(outcome)
        follow_ups = []
        if outcome == "follow_up":
            follow_ups = [self.follow_up(unit, encounter.visit_type, at)]
        check_out.check_out(
            encounter_id=encounter.pk,
            outcome=outcome,
            reason=self.rng.choice(reasons).code if reasons else None,
            waiting_for="provsvar" if outcome == "await_result" else "",
            follow_ups=follow_ups,
            accept_warnings=["UT-05"],
            by=by or self.clinician(unit),
            at=at,
            registered_at=at,
        )

    def follow_up(self, unit, visit_type, at):
        wished = local_date(at) + timedelta(days=self.rng.randint(7, 45))
        again = [row for row, _ in unit.bookable() if row.new_or_return == "return" and not row.requires_place]
        chosen = self.rng.choice(again or [visit_type])
        return {
            "visit_type": chosen,
            "contact_reason": self.reason(chosen),
            "wished_from": wished,
            "wished_to": wished + timedelta(days=14),
        }

    def reason(self, visit_type):
        return ContactReason.objects.get(pk=self.rng.choice(self.region.reasons[visit_type.pk]))

    # --- The past -----------------------------------------------------------------------------------------------------

    def tell_the_past(self):
        """Working day by working day, each ended as the clock ends it (VH-05, VH-17)."""
        days = [self.today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)]
        working_days = [day for day in days if day.isoweekday() <= 5]
        per_day = self.contacts / len(working_days)
        total = sum(SHARES.values())
        owed = defaultdict(float)
        for day in days:
            clock.reveal(at=start_of_day(day))
            for key, share in SHARES.items() if day.isoweekday() <= 5 else ():
                owed[key] += per_day * share / total
                while owed[key] >= 1:
                    owed[key] -= 1
                    self.past_contact(key, day)
            clock.auto_discharge(at=end_of_day(day))
        self.decide_old_items()

    def past_contact(self, key, day):
        unit = self.region.units[key]
        patient = self.patient(key, day)
        if patient is None:
            return
        if key == "akut":
            self.emergency(unit, patient, day)
        elif key == "avdelning":
            self.inpatient(unit, patient, day)
        elif key == "medicin":
            self.specialised(unit, patient, day)
        elif self.rng.random() < 0.4:
            self.unbooked(unit, patient, day)
        else:
            self.primary_care(unit, patient, day)

    def emergency(self, unit, patient, day):
        arrived = at_local(day, time(self.rng.randint(0, 17), self.rng.randint(0, 59)))
        if self.is_lying(patient, arrived):
            return
        encounter = encounters.register_unbooked(
            patient_id=patient.pk, care_unit=unit.row, situation=EMERGENCY_ARRIVAL, by=self.reception, at=arrived
        )
        encounters.discharge(
            encounter_id=encounter.pk,
            by=self.clinician(unit),
            at=arrived + timedelta(minutes=self.rng.randint(40, 360)),
        )

    def inpatient(self, unit, patient, day):
        admitted = at_local(day, time(self.rng.randint(8, 20), self.rng.randint(0, 59)))
        if self.is_lying(patient, admitted):
            return
        encounter = encounters.register_unbooked(
            patient_id=patient.pk,
            care_unit=unit.row,
            situation=DIRECT_ADMISSION,
            requires_place=True,
            admitted_from=self.rng.choices(["home", "special_housing", "hospital"], [80, 12, 8])[0],
            by=self.clinician(unit),
            at=admitted,
        )
        left = admitted + timedelta(days=self.rng.randint(2, 9))
        self.lying[patient.pk] = left
        if left < self.at:
            encounters.discharge(
                encounter_id=encounter.pk,
                discharged_to=self.rng.choices(["home", "special_housing", "hospital"], [74, 18, 8])[0],
                by=self.clinician(unit),
                at=left,
            )

    def unbooked(self, unit, patient, day):
        """A drop-in, or a call or letter (VH-03)."""
        arrived = at_local(day, time(self.rng.randint(8, 15), self.rng.randint(0, 59)))
        if self.rng.random() < 0.35:
            by = self.clinician(unit)
            admissions.begin(
                patient_id=patient.pk,
                care_unit=unit.row,
                situation=CONTACT_WITHOUT_VISIT,
                contact_form="phone",
                replaces_visit=self.rng.random() < 0.5,
                responsible=by.practitioner,
                by=by,
                at=arrived,
            )
            return
        visit_type, resource = self.rng.choice(unit.bookable())
        admissions.begin(
            patient_id=patient.pk,
            care_unit=unit.row,
            situation=DROP_IN,
            visit_type=visit_type,
            contact_reason=self.reason(visit_type),
            responsible=resource.practitioner,
            identity_shown="Legitimation",
            by=self.reception,
            at=arrived,
        )

    def primary_care(self, unit, patient, day):
        visit_type, resource = self.rng.choice(unit.bookable())
        start = self.slot(resource, visit_type.default_minutes, day)
        if start is None:
            return
        booked_at = self.before(start)
        appointment = self.book(unit, visit_type, resource, patient, start, booked_at=booked_at)
        fate = self.rng.random()
        if fate < 0.06:
            self.miss(unit, appointment)
        elif fate < 0.11:
            self.cancel(appointment, at=max(booked_at, start - timedelta(hours=30)))
        else:
            self.arrive(appointment)
            if fate > 0.95:
                left = start + timedelta(minutes=visit_type.default_minutes)
                self.check_out(
                    unit, appointment.encounter, outcome=self.rng.choice(["follow_up", "await_result"]), at=left
                )

    def arrive(self, appointment, at=None):
        arrived = at or appointment.start + timedelta(minutes=self.rng.randint(-12, 6))
        appointments.arrive(
            appointment_id=appointment.pk,
            by=self.reception,
            at=max(arrived, start_of_day(local_date(appointment.start))),
            identity_shown=self.rng.choice(["Legitimation"] * 9 + ["Känd av personalen"]),
        )
        appointment.encounter.refresh_from_db()

    def miss(self, unit, appointment):
        appointments.no_show(
            appointment_id=appointment.pk, by=self.clinician(unit), at=appointment.start + timedelta(minutes=20)
        )

    def cancel(self, appointment, *, at):
        cancellation.cancel(
            appointment_id=appointment.pk,
            cancelled_by=self.rng.choice(["patient", "provider"]),
            reason=self.rng.choice(CANCEL_REASONS),
            by=self.reception,
            at=at,
        )

    def specialised(self, unit, patient, day):
        """A visit of a vårdåtagande: of a waiting request where one is due, else of a new remiss."""
        request = self.due_request(unit, day)
        visit_type, resource = self.bookable_with_commitment(unit, request)
        if resource is None:
            return
        start = self.slot(resource, visit_type.default_minutes, day)
        if start is None:
            return
        fields = {}
        booked_at = self.before(start, 1, 10)
        if request:
            patient = request.patient
            fields = {"booking_request_id": request.pk, "contact_reason_id": request.contact_reason_id}
            booked_at = max(booked_at, self.written(request))
        else:
            commitment = self.commitment(unit, patient, on=local_date(booked_at))
            fields["commitment_id"] = commitment.pk
        appointment = self.book(unit, visit_type, resource, patient, start, booked_at=booked_at, **fields)
        fate = self.rng.random()
        if fate < 0.05:
            self.miss(unit, appointment)
            return
        self.arrive(appointment)
        if fate > 0.985 and day > self.today - timedelta(days=10):
            return  # Ej utcheckad: somebody forgot, and the work list says so (VH-19).
        outcome = self.rng.choices(
            ["follow_up", "await_result", "end_commitment", "no_further_planning"], [40, 15, 38, 7]
        )[0]
        left = start + timedelta(minutes=visit_type.default_minutes)
        self.check_out(unit, appointment.encounter, outcome=outcome, at=left)
        if visit_type.requires_place:
            encounters.discharge(
                encounter_id=appointment.encounter_id, by=self.clinician(unit), at=left + timedelta(minutes=10)
            )

    def bookable_with_commitment(self, unit, request=None):
        """What an open vårdåtagande is for: not diagnostics, which plan nothing further (UT-07)."""
        pairs = [(row, resource) for row, resource in unit.bookable() if not row.is_diagnostic]
        if request:
            pairs = [pair for pair in pairs if pair[0].pk == request.visit_type_id]
        return self.rng.choice(pairs) if pairs else (None, None)

    def due_request(self, unit, day):
        """The oldest waiting request whose patient has nothing that day."""
        waiting = (
            BookingRequest.objects.waiting()
            .filter(care_unit=unit.row, wished_from__lte=day, commitment__isnull=False)
            .select_related("patient", "visit_type", "check_out")
            .order_by("wished_from", "id")[:5]
        )
        for request in waiting:
            if request.patient_id not in self.seen[day] and local_date(self.written(request)) < day:
                self.seen[day].add(request.patient_id)
                return request
        return None

    @staticmethod
    def written(request):
        """When the request was made in the story: at its check-out (its own time is that of the seeding)."""
        if request.check_out:
            return request.check_out.at
        return start_of_day(request.wished_from)

    def decide_old_items(self):
        """What has lain for a fortnight is decided; the rest waits in the work lists (UT-04, UT-05, PL-05)."""
        limit = self.today + timedelta(days=5)
        decided_at = at_local(self.today - timedelta(days=1), time(15, 0))
        for model, lasts in ((AwaitedResult, 21), (MissingFollowUp, 7), (NoShowItem, 7)):
            items = (
                model.objects.open().filter(watch_until__lt=limit).select_related("encounter__visit_type", "care_unit")
            )
            old = [item for item in items if item.watch_until + timedelta(days=8 - lasts) < self.today]
            for item in old:
                # The end of a vårdåtagande decides what else waited on it.
                if model.objects.open().filter(pk=item.pk).exists():
                    self.decide(model, item, decided_at)
        arrived = AwaitedResult.objects.open()[: self.some(6)]
        for item in arrived:
            work_items.register_result(item_id=item.pk, by=self.region.users["integration"], at=decided_at)

    def decide(self, model, item, at):
        unit = next(unit for unit in self.region.units.values() if unit.row.pk == item.care_unit_id)
        decision = {"decision": work_items.NOTHING_MORE}
        if item.commitment_id:
            decision = {"decision": work_items.END_COMMITMENT, "reason": "färdigbehandlad"}
            if self.rng.random() < 0.3:
                follow_up = self.follow_up(unit, item.encounter.visit_type, at)
                decision = {"decision": work_items.FOLLOW_UP, "follow_up": follow_up}
        try:
            work_items.decide(model=model, item_id=item.pk, by=self.clinician(unit), at=at, **decision)
        except RuleError as refused:
            # A vårdåtagande with other planning is not ended: the item waits for somebody, as in life.
            if refused.rule != "UT-03":
                raise

    # --- Coding -------------------------------------------------------------------------------------------------------

    def code_the_ended(self):
        """Most of what ended a while ago is coded, what ended lately waits in the work list (KL-01)."""
        known = set(
            Code.objects.filter(system_id=System.ICD_10_SE, code__in=COMMON_DIAGNOSES, is_registrable=True).values_list(
                "code", flat=True
            )
        )
        diagnoses = [code for code in COMMON_DIAGNOSES if code in known]
        if not diagnoses:
            return 0
        coded = 0
        ended = Encounter.objects.to_code().filter(end__lt=self.at - timedelta(days=2)).values_list("pk", "end")
        for pk, end in list(ended.order_by("end", "id")):
            if self.rng.random() > 0.45:
                continue
            chosen = self.rng.sample(diagnoses, self.rng.choice([1, 1, 1, 2]))
            coded += self.code(pk, chosen, min(self.at, end + timedelta(hours=self.rng.randint(9, 40))), coded)
        return coded

    def code(self, encounter_id, diagnoses, at, number):
        """Nine of ten have a note behind them; now and then an injury with its cause, a substance, a procedure."""
        rows = [{"code": code} for code in diagnoses]
        if number % 20 == 7:
            rows = [{"code": "S5250", "external_causes": ["W0101"]}]
        elif number % 15 == 4:
            rows[0]["atc"] = ["N02BE01"]
        try:
            if number % 10:
                facts.report_document(
                    encounter_id=encounter_id,
                    kind="Anteckning",
                    external_id=f"ovning-{encounter_id}",
                    by=self.region.users["integration"],
                    at=minute(at),
                )
            coding.save_coding(
                encounter_id=encounter_id,
                diagnoses=rows,
                procedures=[{"code": "AF022"}] if number % 6 == 0 else [],
                atc=[],
                complete=True,
                by=self.region.users["kodare"],
                at=minute(at),
            )
        except RuleError:
            # A diagnosis that does not fit the patient or the contact: left for a coder.
            return 0
        return 1

    # --- What waits, and what is planned ------------------------------------------------------------------------------

    def fill_the_lists(self):
        """Remisser in every state of a decision, requests, and bookings of the coming weeks."""
        unit = self.region.units["medicin"]
        yesterday = at_local(self.today - timedelta(days=1), time(14, 0))
        referred.fill(self, unit, yesterday)
        for key in [*PRIMARY_CARE, "bvc", "ungdom"]:
            for _ in range(self.some(7)):
                self.request(self.region.units[key], yesterday)

    def request(self, unit, at):
        patient = self.patient(unit.key, self.today - timedelta(days=2))
        if patient is None:
            return
        wished = self.today + timedelta(days=self.rng.randint(-10, 30))
        visit_type, resource = self.rng.choice(unit.bookable())
        work_items.request_booking(
            patient_id=patient.pk,
            care_unit=unit.row,
            visit_type=visit_type,
            contact_reason=self.reason(visit_type),
            wished_from=wished,
            wished_to=wished + timedelta(days=14),
            wished_resource=resource if self.rng.random() < 0.4 else None,
            description=self.rng.choice(["", "", "Gärna förmiddag", "Ring för bokning", "Behöver extra tid"]),
            by=self.clinician(unit),
            at=at,
        )

    def plan_ahead(self):
        """Bookings of the coming weeks, some of them more than a day ahead and hence hidden (VH-05)."""
        for ahead in range(1, DAYS_AHEAD):
            day = self.today + timedelta(days=ahead)
            if day.isoweekday() > 5:
                continue
            for key in BOOKED_UNITS:
                for _ in range(self.some(5 if key == "bryggan" else 3)):
                    self.planned(self.region.units[key], day)

    def planned(self, unit, day, **hours):
        """One booking of the day, or None where nothing fits."""
        patient = self.patient(unit.key, day)
        visit_type, resource = self.rng.choice(unit.bookable())
        if unit.key == "medicin":
            visit_type, resource = self.bookable_with_commitment(unit)
        start = self.slot(resource, visit_type.default_minutes, day, **hours)
        if patient is None or start is None:
            return None
        booked_at = min(self.before(start, 2, 12), self.at - timedelta(days=2))
        fields = {}
        if unit.key == "medicin":
            fields["commitment_id"] = self.commitment(unit, patient, on=local_date(booked_at)).pk
        return self.book(unit, visit_type, resource, patient, start, booked_at=booked_at, **fields)

    # --- Today --------------------------------------------------------------------------------------------------------

    def live_today(self):
        """A whole day around the present, in every state, at every unit that books; and who is in the emergency
        department and on the ward now."""
        opens, closes = window(local(self.at))
        for key in BOOKED_UNITS:
            unit = self.region.units[key]
            booked = [
                self.planned(unit, self.today, opens=opens, closes=closes, at_once=number < 3)
                for number in range(max(14, self.some(70 if key == "bryggan" else 36)))
            ]
            self.live(unit, sorted(filter(None, booked), key=lambda appointment: appointment.start))
        clock.reveal(at=self.at)
        for key, situation, how_many in (("akut", EMERGENCY_ARRIVAL, 14), ("avdelning", DIRECT_ADMISSION, 8)):
            unit = self.region.units[key]
            for _ in range(self.some(how_many)):
                patient = self.patient(key, self.today)
                if patient and not self.is_lying(patient, start_of_day(self.today)):
                    encounters.register_unbooked(
                        patient_id=patient.pk,
                        care_unit=unit.row,
                        situation=situation,
                        requires_place=situation == DIRECT_ADMISSION,
                        by=self.reception,
                        at=max(start_of_day(self.today), self.at - timedelta(minutes=self.rng.randint(5, 300))),
                    )

    def live(self, unit, booked):
        """Gives each of today's bookings its state: the first ones one of each, the others as it falls out."""
        past = [appointment for appointment in booked if appointment.start <= self.at]
        ahead = [appointment for appointment in booked if appointment.start > self.at]
        # Just after midnight nothing has been, just before nothing comes: the states that can be had early or late are.
        wanted = ["no_show", "checked_out", "in_progress", "cancelled", "booked"]
        states = {}
        for appointment in past:
            state = wanted.pop(0) if wanted else self.state_now(appointment)
            states[appointment.pk] = state
        for appointment in ahead:
            states[appointment.pk] = wanted.pop() if wanted else self.rng.choices(["booked", "cancelled"], [92, 8])[0]
        for appointment in booked:
            self.become(unit, appointment, states[appointment.pk])

    def state_now(self, appointment):
        """What has become of a visit whose time has come."""
        if appointment.start > self.at - timedelta(minutes=40):
            return self.rng.choices(["in_progress", "booked", "no_show"], [70, 25, 5])[0]
        return self.rng.choices(["checked_out", "in_progress", "no_show", "cancelled"], [70, 12, 8, 10])[0]

    def become(self, unit, appointment, state):
        if state == "no_show" and appointment.start <= self.at:
            appointments.no_show(appointment_id=appointment.pk, by=self.clinician(unit), at=self.at)
        elif state == "cancelled":
            self.cancel(appointment, at=min(self.at, appointment.start - timedelta(hours=25)))
        elif state in ("in_progress", "checked_out"):
            arrived = min(self.at, appointment.start + timedelta(minutes=self.rng.randint(-10, 4)))
            self.arrive(appointment, at=arrived)
            if state == "checked_out":
                outcome = self.rng.choice(["follow_up", "await_result"])
                if unit.key == "medicin":
                    outcome = self.rng.choice(["follow_up", "await_result", "end_commitment", "no_further_planning"])
                encounter = appointment.encounter
                left = min(self.at, max(encounter.start, appointment.end))
                self.check_out(unit, encounter, outcome=outcome, at=left)

    # --- The dead -----------------------------------------------------------------------------------------------------
