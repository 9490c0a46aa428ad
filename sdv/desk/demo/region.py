"""The invented region: units, rooms, staff, their tidböcker, and the demo users."""

from dataclasses import dataclass, field
from datetime import time, timedelta

from classification.models import CodeSystem, FavouriteCode, RegisterReporter, ReportingUnit
from registration.models import ContactReason, VisitType
from scheduling.models import Resource, ResourceKind, WeeklyHours
from sdv.accounts.models import Practitioner, Profession, StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.common.time import local, local_date
from sdv.organisation.models import (
    Branch,
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

from . import names

PASSWORD = "demo"
PROVIDER_HSA_ID = "SE0000000000-DEMO"
REGION = "Region Demo"
OPENS, CLOSES = time(8, 0), time(17, 0)
# Around the present, today, whatever the hour: so the day list is alive at night and in weekends too.
HOURS_BEFORE, HOURS_AFTER = 3, 6


@dataclass(frozen=True)
class UnitPlan:
    """A unit to make: name, kind, vårdområde, and how many persons of each yrkeskategori see patients there."""

    key: str
    name: str
    short_name: str
    kind: str
    area: str
    facility: str
    staff: dict


UNITS = [
    UnitPlan("bryggan", "Vårdcentralen Bryggan", "Bryggan", CareUnitKind.HEALTH_CENTRE, "Pv", "Bryggans hus",
             {"Läk": 3, "Ssk": 4, "Usk": 2, "Fys": 1, "Arb": 1, "Psyk": 1, "Kur": 1, "Die": 1, "Övr": 1}),
    UnitPlan("ekbacken", "Vårdcentralen Ekbacken", "Ekbacken", CareUnitKind.HEALTH_CENTRE, "Pv", "Ekbackens hälsohus",
             {"Läk": 2, "Ssk": 3, "Usk": 1, "Fys": 1, "Psyk": 1}),
    UnitPlan("sjolunda", "Vårdcentralen Sjölunda", "Sjölunda", CareUnitKind.HEALTH_CENTRE, "Pv", "Sjölunda torg",
             {"Läk": 2, "Ssk": 2, "Usk": 1, "Fys": 1, "Kur": 1}),
    UnitPlan("bvc", "BVC Ekbacken", "BVC Ekbacken", CareUnitKind.CHILD_HEALTH, "Bhv", "Ekbackens hälsohus",
             {"Ssk": 3, "Läk": 1}),
    UnitPlan("ungdom", "Ungdomsmottagningen Slussen", "UM Slussen", CareUnitKind.YOUTH, "Um", "Bryggans hus",
             {"Bm": 2, "Kur": 1, "Läk": 1, "Ssk": 1}),
    UnitPlan("medicin", "Medicinmottagningen Åsby sjukhus", "Medicinmottagningen", CareUnitKind.SPECIALISED, "Sp",
             "Åsby sjukhus", {"Läk": 4, "Ssk": 3, "Usk": 2, "Die": 1, "Fys": 1, "Övr": 1}),
    UnitPlan("akut", "Akutmottagningen Åsby sjukhus", "Akuten", CareUnitKind.EMERGENCY, "", "Åsby sjukhus",
             {"Läk": 2, "Ssk": 2}),
    UnitPlan("avdelning", "Avdelning 12 Åsby sjukhus", "Avdelning 12", CareUnitKind.INPATIENT, "", "Åsby sjukhus",
             {"Läk": 1, "Ssk": 2}),
    UnitPlan("forlossning", "Förlossningen Åsby sjukhus", "Förlossningen", CareUnitKind.MATERNITY, "", "Åsby sjukhus",
             {"Läk": 1, "Bm": 2}),
    UnitPlan("dialys", "Dialysmottagningen Åsby sjukhus", "Dialysen", CareUnitKind.DIALYSIS, "", "Åsby sjukhus",
             {"Läk": 1, "Ssk": 1}),
]  # fmt: skip

# Medicinskt verksamhetsområde of those that report to the patient register.
MVO = {"medicin": "101", "akut": "046", "avdelning": "101"}

# The units' own favourites, invented as all of it.
PRIMARY_CARE_FAVOURITES = [("icd-10-se", "I109"), ("icd-10-se", "J069"), ("icd-10-se", "M545"), ("kva", "AF022")]
FAVOURITES = [("icd-10-se", "I489"), ("icd-10-se", "R104"), ("kva", "AF022")]

PRIMARY_CARE = ["bryggan", "ekbacken", "sjolunda"]
BOOKED_UNITS = [*PRIMARY_CARE, "bvc", "ungdom", "medicin"]
ALL_UNITS = [plan.key for plan in UNITS]

# The demo users: name, role and units.
USERS = {
    "reception": (
        "Rut Receptionist",
        Role.RECEPTIONIST,
        ["bryggan", "medicin", "bvc", "ungdom", "akut", "avdelning", "ekbacken"],
    ),
    "kliniker": (
        "Klara Kliniker",
        Role.CLINICIAN,
        ["medicin", "bryggan", "akut", "avdelning", "forlossning", "dialys"],
    ),
    "koordinator": ("Kaj Koordinator", Role.COORDINATOR, ["medicin", "bryggan", "avdelning", "ekbacken"]),
    "kodare": ("Kodrun Kodare", Role.CODER, ALL_UNITS),
    "katalog": ("Kata Loggren", Role.CATALOGUE_ADMIN, ["bryggan"]),
    "chef": ("Charlotta Chef", Role.MANAGER, ["medicin", "bryggan"]),
    "support": ("Sune Support", Role.SUPPORT, ALL_UNITS),
    "granskare": ("Gerd Granskare", Role.AUDITOR, ["bryggan"]),
    "integration": ("Integrationen", Role.INTEGRATION, ALL_UNITS),
    "nationell": ("Nationella tjänster", Role.NATIONAL_SERVICES, ["bryggan"]),
}


@dataclass
class Unit:
    """A unit with what can be booked there."""

    key: str
    row: CareUnit
    resources: dict = field(default_factory=dict)
    visit_types: list = field(default_factory=list)
    clinicians: list = field(default_factory=list)

    def bookable(self):
        """Pairs of visit type and resource of its profession."""
        return [
            (visit_type, resource)
            for visit_type in self.visit_types
            for resource in self.resources.get(visit_type.profession_id, [])
        ]


@dataclass
class Region:
    """All of it, by key; `reasons` are the ids of the orsaker offered for each visit type."""

    units: dict
    users: dict
    reasons: dict


def build(*, rng, at):
    """Makes organisation, staff and tidböcker. Returns the Region."""
    provider = CareProvider.objects.create(hsa_id=PROVIDER_HSA_ID, name=REGION)
    facilities = {}
    for number, name in enumerate(dict.fromkeys(plan.facility for plan in UNITS), 1):
        facilities[name] = Facility.objects.create(
            hsa_id=f"{PROVIDER_HSA_ID}-F{number}", name=name, care_provider=provider
        )
    units = {}
    for number, plan in enumerate(UNITS, 1):
        row = CareUnit.objects.create(
            hsa_id=f"{PROVIDER_HSA_ID}-E{number}",
            name=plan.name,
            short_name=plan.short_name,
            facility=facilities[plan.facility],
            kind=plan.kind,
            care_area=CareArea.objects.filter(abbreviation=plan.area).first(),
            allows_overbooking=plan.key == "medicin",
            sends_reminders=True,
        )
        units[plan.key] = Unit(plan.key, row, visit_types=list(VisitType.objects.for_unit(row, local_date(at))))
    _registers(provider, units)
    _favourites(units)
    _parts_and_places(units)
    users = _demo_users(units)
    _staff(units, users, rng, at)
    reasons = {
        visit_type.pk: list(ContactReason.objects.offered_for(visit_type, local_date(at)).values_list("pk", flat=True))
        for unit in units.values()
        for visit_type in unit.visit_types
    }
    return Region(units, users, reasons)


def _registers(provider, units):
    """What deliveries to registers ask for (PAR-01). File code and hospital code are invented: no real ones exist here."""
    RegisterReporter.objects.create(care_provider=provider, file_code="99")
    for key, mvo in MVO.items():
        CareUnit.objects.filter(pk=units[key].row.pk).update(mvo_code=mvo)
        units[key].row.mvo_code = mvo
        emergency = "1" if key == "akut" else ""
        ReportingUnit.objects.create(care_unit=units[key].row, hospital_code="99001", emergency_activity=emergency)


def _favourites(units):
    """What each kind of unit codes most, as its first suggestions (KL-03)."""
    known = set(CodeSystem.objects.values_list("code", flat=True))
    for unit in units.values():
        codes = PRIMARY_CARE_FAVOURITES if unit.row.is_primary_care else FAVOURITES
        FavouriteCode.objects.bulk_create(
            FavouriteCode(care_unit=unit.row, system_id=system, code=code) for system, code in codes if system in known
        )


def _parts_and_places(units):
    for unit in units.values():
        Reception.objects.create(
            hsa_id=f"{unit.row.hsa_id}-M", name=f"{unit.row.short_name}, reception", care_unit=unit.row, is_main=True
        )
    Branch.objects.create(
        hsa_id=f"{units['sjolunda'].row.hsa_id}-B", name="Filial Hamnen", town="Hamnby", care_unit=units["sjolunda"].row
    )
    ward = Ward.objects.create(
        hsa_id=f"{units['avdelning'].row.hsa_id}-W", name="Avdelning 12", care_unit=units["avdelning"].row
    )
    for number in range(1, 7):
        room = Place.objects.create(
            care_unit=units["avdelning"].row, ward=ward, kind=PlaceKind.ROOM, name=f"Rum {number}"
        )
        for bed in "AB":
            Place.objects.create(
                care_unit=units["avdelning"].row, ward=ward, kind=PlaceKind.BED, name=f"Säng {number}{bed}", room=room
            )
    for number in range(1, 4):
        Place.objects.create(care_unit=units["akut"].row, kind=PlaceKind.BED, name=f"Observation {number}")
        Place.objects.create(care_unit=units["dialys"].row, kind=PlaceKind.CHAIR, name=f"Dialysplats {number}")
    maternity = Ward.objects.create(
        hsa_id=f"{units['forlossning'].row.hsa_id}-W", name="BB", care_unit=units["forlossning"].row
    )
    for name in ("Barnsäng 1", "Barnsäng 2", "Säng 1", "Säng 2"):
        Place.objects.create(care_unit=units["forlossning"].row, ward=maternity, kind=PlaceKind.BED, name=name)
    for number in range(1, 7):
        Place.objects.create(care_unit=units["medicin"].row, kind=PlaceKind.CHAIR, name=f"Dagvård stol {number}")


def _demo_users(units):
    users = {}
    number = 0
    for username, (name, role, keys) in USERS.items():
        user = users[username] = User.objects.create_user(username, PASSWORD, name=name)
        for key in keys:
            number += 1
            StaffAssignment.objects.create(
                user=user, care_unit=units[key].row, role=role, hsa_id=f"{PROVIDER_HSA_ID}-U{number:03d}"
            )
    return users


def _staff(units, users, rng, at):
    """Practitioners with a tidbok each. The demo user kliniker is the first doctor of the specialist clinic."""
    professions = {row.abbreviation: row for row in Profession.objects.all()}
    number = 0
    for plan in UNITS:
        unit = units[plan.key]
        for abbreviation, how_many in plan.staff.items():
            for _ in range(how_many):
                number += 1
                profession = professions[abbreviation]
                practitioner = _practitioner(number, profession, unit, users, rng)
                unit.clinicians.append(practitioner.user)
                if unit.visit_types:
                    resource = Resource.objects.create(
                        care_unit=unit.row,
                        kind=ResourceKind.PERSON,
                        practitioner=practitioner,
                        name=f"{practitioner} ({abbreviation} {number})",
                    )
                    _weekly_hours(resource, at)
                    unit.resources.setdefault(profession.pk, []).append(resource)
        if unit.visit_types:
            Resource.objects.create(care_unit=unit.row, kind=ResourceKind.EQUIPMENT, name="EKG")


def _practitioner(number, profession, unit, users, rng):
    if unit.key == "medicin" and not unit.clinicians:
        user, given_name, surname = users["kliniker"], "Klara", "Kliniker"
    else:
        given_name, surname = rng.choice(names.WOMEN + names.MEN), rng.choice(names.SURNAMES)
        # Without a password: they are there to be chosen and named, not to log in.
        user = User.objects.create_user(f"medarbetare{number:02d}", None, name=f"{given_name} {surname}")
        StaffAssignment.objects.create(
            user=user, care_unit=unit.row, role=Role.CLINICIAN, hsa_id=f"{PROVIDER_HSA_ID}-V{number:03d}"
        )
    return Practitioner.objects.create(
        user=user,
        hsa_id=f"{PROVIDER_HSA_ID}-P{number:03d}",
        given_name=given_name,
        surname=surname,
        profession=profession,
        title=profession.name,
    )


def _weekly_hours(resource, at):
    """Weekdays eight to five, and for today alone also the hours around the present."""
    today, present = local_date(at), local(at)
    hours = {"from_time": OPENS, "to_time": CLOSES}
    rows = []
    for weekday in range(1, 6):
        if weekday == today.isoweekday():
            rows.append({"weekday": weekday, "valid_to": today - timedelta(days=1)} | hours)
            rows.append({"weekday": weekday, "valid_from": today + timedelta(days=1)} | hours)
        else:
            rows.append({"weekday": weekday} | hours)
    opens, closes = window(present)
    opens, closes = min(opens, OPENS), max(closes, CLOSES)
    rows.append(
        {"weekday": today.isoweekday(), "valid_from": today, "valid_to": today, "from_time": opens, "to_time": closes}
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(resource=resource, slot_minutes=15, on_holidays=True, **row) for row in rows
    )


def window(present):
    """Today's hours (Stockholm's clock): the usual ones where the present is well within them, else some hours around
    the present, within its day."""
    if time(10) <= present.time() <= time(16):
        return OPENS, CLOSES
    opens = time(max(0, present.hour - HOURS_BEFORE))
    closes = time(present.hour + HOURS_AFTER) if present.hour + HOURS_AFTER < 24 else time(23, 59)
    return opens, closes
