"""The invented patients: official test numbers, invented names, some of each kind that the rules treat in their own way."""

from datetime import timedelta

from django.db.models import CharField
from django.db.models.functions import Cast

from registration import identities
from registration.actions import patients, relations
from registration.models import AddressKind, Patient, PatientAddress, RegistrationKind, Sex
from registration.population_register import SOURCE
from registration.register_changes import HOME
from sdv.common.time import age, local_date

from . import examples, names
from .identities import personnummer
from .region import PRIMARY_CARE, REGION

COUNTY = "12"
MUNICIPALITIES = (
    ("80", "211", "MALMÖ"),
    ("81", "221", "LUND"),
    ("83", "252", "HELSINGBORG"),
    ("87", "231", "TRELLEBORG"),
    ("90", "291", "KRISTIANSTAD"),
)
STREETS = ("Provgatan", "Testvägen", "Exempelstigen", "Påhittsgränd", "Övningsallén")


def make(*, how_many, region, rng, at):
    """Registers the patients, by the integration as if the register had told them. Returns the rows in random order, and
    those who each show something by key."""
    registered_at = at - timedelta(days=120)
    known = examples.chosen(at=at)
    free = sorted(set(personnummer()) - {example.number for example in known})
    numbers = rng.sample(free, how_many - len(known))
    today = local_date(at)
    made = []
    for index, number in enumerate(numbers):
        sex = identities.parse(number, today=today).sex
        women = sex == Sex.FEMALE or (sex != Sex.MALE and rng.random() < 0.5)
        given_name = rng.choice(names.WOMEN if women else names.MEN)
        surname = rng.choice(names.SURNAMES)
        if rng.random() < 0.06:
            surname = f"{surname} {rng.choice(names.SURNAMES)}"
        made.append(
            patients.register(
                identity=number,
                given_name=given_name,
                middle_name=rng.choice(names.WOMEN if women else names.MEN) if rng.random() < 0.25 else "",
                surname=surname,
                source="Demo",
                payer=REGION,
                listing_unit=region.units[rng.choice(PRIMARY_CARE)].row.name,
                interpreter_language=rng.choice(names.LANGUAGES) if rng.random() < 0.05 else "",
                protection=_protection(index),
                by=region.users["integration"],
                at=registered_at,
            )
        )
    for patient in made:
        if not patient.is_protected and rng.random() < 0.4:
            # The series 070-174 06 05…99 is reserved for fiction.
            number = f"070-174 06 {rng.randint(5, 99):02d}"
            patients.edit(patient_id=patient.pk, phone=number, by=region.users["reception"], at=registered_at)
    _resident(made, rng=rng, at=registered_at)
    _relations(made, region=region, rng=rng, at=registered_at)
    shown = examples.make(known, region=region, at=registered_at)
    made += shown.values()
    rng.shuffle(made)
    return made, shown


def _resident(made, *, rng, at):
    """Where the register says that they live: invented streets in real municipalities (SCB's codes). A statement for all
    addresses, and one a municipality."""
    kind = AddressKind.objects.get(code=HOME)
    lives = {patient.pk: rng.choice(MUNICIPALITIES) for patient in made if not patient.is_protected}
    PatientAddress.objects.bulk_create(
        PatientAddress(
            patient_id=pk,
            kind=kind,
            street=f"{rng.choice(STREETS)} {rng.randint(1, 90)}",
            postal_code=f"{post}{rng.randint(10, 99)}",
            town=town,
            source=SOURCE,
        )
        for pk, (_, post, town) in lives.items()
    )
    for place in MUNICIPALITIES:
        Patient.objects.filter(pk__in=[pk for pk, chosen in lives.items() if chosen == place]).update(
            registration_kind=RegistrationKind.RESIDENT,
            registered_on=Cast("birth_date", CharField()),
            county_code=COUNTY,
            municipality_code=place[0],
            source=SOURCE,
            confirmed_at=at,
        )


def _relations(made, *, region, rng, at):
    """Children have guardians, told as PU tells them; some others a contact person (RE-01, RE-02)."""
    for patient in made:
        if patient.is_protected or patient.birth_date is None:
            continue
        if age(patient.birth_date, local_date(at)) < 18 and rng.random() < 0.7:
            told = [relations.ToldGuardian(name=f"{patient.surname}, {rng.choice(names.WOMEN)}")]
            told += (
                [relations.ToldGuardian(name=f"{patient.surname}, {rng.choice(names.MEN)}")]
                if rng.random() < 0.8
                else []
            )
            relations.replace_guardians(
                patient_id=patient.pk, guardians=told, by=region.users["integration"], at=at, source="Demo"
            )
        elif rng.random() < 0.05:
            relations.add_contact(
                patient_id=patient.pk,
                name=f"{rng.choice(names.WOMEN)} {rng.choice(names.SURNAMES)}",
                relation=rng.choice(["syster", "granne", "dotter", "god man"]),
                phone=f"070-174 06 {rng.randint(5, 99):02d}",
                by=region.users["reception"],
                at=at,
            )


def _protection(index):
    """About one in two hundred has protected personal data (SK-01)."""
    if index % 200 == 7:
        return "sekretessmarkering"
    return "skyddad_folkbokforing" if index % 600 == 31 else ""


def of_age(rows, lowest, highest, *, at):
    """Those whose age is known and within the limits."""
    today = local_date(at)
    return [row for row in rows if row.birth_date and lowest <= age(row.birth_date, today) <= highest]
