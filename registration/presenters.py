"""The one door to what may be shown of a patient (SK-02, SK-05). Screens, API, letters, logs and exports take their
words from here; for a protected person every field not named as safe is hidden. Nothing else reads a name to show it."""

from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from registration import identities
from registration.models import Patient, Protection, Sex
from sdv.common.presenting import Band, Tag
from sdv.common.time import age, local, local_date

# What SK-02 leaves visible of a protected person; everything else of a patient is cleared in every answer.
SAFE_WHEN_PROTECTED = {"identity", "birth_date", "sex", "protection", "deceased_on", "deceased_partial"}
UNKNOWN = "uppgift saknas"


@dataclass(frozen=True)
class ShownPatient:
    """A patient as shown to staff at work. Empty texts mean: nothing may or can be shown."""

    id: object
    version: int
    name: str
    given_name: str
    middle_name: str
    surname: str
    identity: str
    identity_kind: str
    identity_value: str
    birth_date: object
    age_text: str
    sex: str
    sex_text: str
    protection: str
    protection_text: str
    is_protected: bool
    deceased_on: object
    is_deceased: bool
    deceased_text: str
    listing_unit: str
    payer: str
    interpreter_language: str
    is_under_18: bool
    other_identities: tuple = field(default=())

    @property
    def last_four(self):
        """The last four characters of the identity: what a patient says aloud at the desk."""
        return self.identity_value[-4:]


def shown(patient, *, on):
    """The patient as shown on the day. Load `known_identities` first (Patient.objects.with_primary_identity)."""
    known = identities_of(patient)
    primary = next((row for row in known if row.is_primary), known[0] if known else None)
    is_protected = patient.is_protected
    others = [row for row in known if row is not primary]

    def safe(value):
        return "" if is_protected else value

    return ShownPatient(
        id=patient.pk,
        version=patient.version,
        name=shown_name(patient),
        given_name=safe(patient.given_name),
        middle_name=safe(patient.middle_name),
        surname=safe(patient.surname),
        identity=identities.display(primary.kind, primary.value) if primary else "",
        identity_kind=primary.kind if primary else "",
        identity_value=primary.value if primary else "",
        birth_date=patient.birth_date,
        age_text=age_text(patient, on=on),
        sex=patient.sex,
        sex_text=Sex(patient.sex).label,
        protection=patient.protection,
        protection_text=Protection(patient.protection).label if is_protected else "",
        is_protected=is_protected,
        deceased_on=patient.deceased_on,
        is_deceased=patient.is_deceased,
        deceased_text=deceased_text(patient),
        listing_unit=safe(patient.listing_unit),
        payer=safe(patient.payer),
        interpreter_language=safe(patient.interpreter_language),
        is_under_18=_is_under_18(patient, on),
        other_identities=() if is_protected else tuple(identities.display(row.kind, row.value) for row in others),
    )


def identities_of(patient):
    """The patient's identities, from what was loaded with it where it was."""
    known = getattr(patient, "known_identities", None)
    return list(patient.identities.order_by("-is_primary", "id")) if known is None else known


def prefetch_identities(patients):
    """Loads the identities of patients that came with other rows, in one query however many they are."""
    prefetch_related_objects(patients, *Patient.objects.with_primary_identity()._prefetch_related_lookups)


def shown_name(patient):
    """Efternamn, Förnamn; a protected person's marking in place of the name (SK-02)."""
    if patient.is_protected:
        return Protection(patient.protection).label
    parts = [part for part in (patient.surname, patient.given_name) if part]
    return ", ".join(parts) or "Namn saknas"


def age_text(patient, *, on):
    """Age in years; months under two years, days under one month. A deceased person's age at death."""
    if patient.birth_date is None:
        return UNKNOWN
    day = patient.deceased_on or on
    years = age(patient.birth_date, day)
    if years >= 2:
        text = f"{years} år"
    else:
        months = (day.year - patient.birth_date.year) * 12 + day.month - patient.birth_date.month
        months -= day.day < patient.birth_date.day
        days = (day - patient.birth_date).days
        text = f"{months} mån" if months >= 1 else ("1 dag" if days == 1 else f"{max(days, 0)} dagar")
    if not patient.is_deceased:
        return text
    return f"blev omkring {text}" if patient.deceased_partial else f"blev {text}"


def deceased_text(patient):
    """The death as far as it is known; empty of the living."""
    if not patient.is_deceased:
        return ""
    if patient.was_found_dead:
        return f"Avliden, anträffad {patient.deceased_partial or patient.deceased_on.isoformat()}"
    return f"Avliden {patient.deceased_partial or patient.deceased_on.isoformat()}"


def _is_under_18(patient, on):
    return bool(patient.birth_date) and not patient.is_deceased and age(patient.birth_date, on) < 18


def contact_details(patient):
    """Phones and addresses with their source; none of a protected person is even read (SK-02)."""
    if patient.is_protected:
        return {"phones": [], "addresses": []}
    return {
        "phones": list(patient.phones.order_by("-is_preferred", "id")),
        "addresses": list(patient.addresses.select_related("kind").order_by("kind__name", "id")),
    }


def confirmed_text(patient):
    """When the data was last confirmed by the register (PA-04)."""
    if patient.is_protected:
        return ""
    if patient.confirmed_at is None:
        return f"Källa: {patient.source or UNKNOWN}. Inte bekräftad mot folkbokföringen."
    return f"Källa: {patient.source}. Bekräftad {local(patient.confirmed_at):%Y-%m-%d %H.%M}."


KIND_WORDS = {
    "personnummer": "Personnummer",
    "samordningsnummer": "Samordningsnummer",
    "reservid": "Nationellt reservID",
    "lokalt_reservnummer": "Reservnummer",
}


def band(patient, *, at, url="", facts=(), links=(), actions=()):
    """The blue band's words (ui.md 3.2): markers first, then facts. `actions` are left out for the dead."""
    seen = shown(patient, on=local_date(at))
    tags, sentence = [], ""
    if seen.is_deceased:
        tags.append(Tag("danger", "cross", seen.deceased_text))
        sentence = "Bokningar och begäran är avslutade. Inget nytt kan bokas."
    if seen.is_protected:
        tags.append(Tag("guard", "shield", f"Skyddade personuppgifter: {seen.protection_text.lower()}"))
        hidden = "Namn, adress, telefon och närstående visas inte. Ring alltid upp själv. Post går via Skatteverket."
        sentence = f"{sentence} {hidden}".strip()
    if seen.identity_kind == "reservid":
        tags.append(Tag("warn", "warn", "Reservnummer, identitet ej fastställd"))
    if count := len(seen.other_identities):
        tags.append(
            Tag("info", "link", "Länkad: 1 annan identitet" if count == 1 else f"Länkad: {count} andra identiteter")
        )
    if seen.interpreter_language:
        tags.append(Tag("warn", "speech", f"Tolk: {seen.interpreter_language}"))
    if seen.is_under_18:
        tags.append(Tag("info", "", "Under 18"))
    listing = (f"Listad: {seen.listing_unit}",) if seen.listing_unit else ()
    return Band(
        name=seen.name,
        identity=seen.identity,
        identity_kind=KIND_WORDS.get(seen.identity_kind, "Identitet saknas"),
        is_code=seen.identity_kind in {"reservid", "lokalt_reservnummer"},
        age_text=seen.age_text,
        sex_text=seen.sex_text,
        marking=seen.protection_text,
        is_protected=seen.is_protected,
        is_deceased=seen.is_deceased,
        sentence=sentence,
        url=url,
        tags=tuple(tags),
        facts=(*listing, *facts),
        links=tuple(links),
        actions=() if seen.is_deceased else tuple(actions),
    )


def load(patient_id):
    """The patient with its identities, ready to be shown; a merged record leads to the present one (PA-03)."""
    patient = Patient.objects.with_primary_identity().get(pk=patient_id)
    if patient.merged_into_id:
        return Patient.objects.with_primary_identity().get(pk=patient.merged_into_id)
    return patient
