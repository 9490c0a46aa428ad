"""The invented patients: official test numbers, invented names, some of each kind that the rules treat in their own way."""

from datetime import timedelta

from registration import identities
from registration.actions import patients, relations
from registration.models import Sex
from sdv.common.time import age, local_date

from . import names
from .identities import FEW_OTHERS, personnummer
from .region import PRIMARY_CARE, REGION


def make(*, how_many, region, rng, at):
    """Registers the patients, by the integration as if the register had told them. Returns the rows in random order."""
    registered_at = at - timedelta(days=120)
    numbers = rng.sample(personnummer(), how_many - len(FEW_OTHERS)) + list(FEW_OTHERS)
    rng.shuffle(numbers)
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
    _relations(made, region=region, rng=rng, at=registered_at)
    return made


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
