"""The one door to what may be shown of a patient (SK-02, SK-05). Screens, API, letters, logs and exports take their
words from here; for a protected person every field not named as safe is hidden. Nothing else reads a name to show it."""

from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from registration import identities, phones, register_changes
from registration.lifecycle import Status
from registration.models import (
    IdentityKind,
    InterpreterKind,
    Patient,
    PatientIdentity,
    PortalContact,
    Protection,
    RegistrationKind,
    RelationKind,
    Sex,
)
from registration.register_words import CAUSES, DEREGISTERED, LEVELS, REGISTER_STATUSES
from registration.relations import is_of_age
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
    birth_text: str
    registration_text: str
    registered_on: str
    deregistration_text: str
    listing_unit: str
    payer: str
    interpreter_kind: str
    interpreter_text: str
    interpreter_language: str
    special_housing: str
    minors_at_address: object
    drug_benefit_text: str
    pascal_text: str
    has_pascal: bool
    identity_note: str
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
        birth_text=birth_text(patient),
        registration_text=safe(RegistrationKind(patient.registration_kind).label if patient.registration_kind else ""),
        registered_on=safe(patient.registered_on),
        deregistration_text=safe(deregistration_text(patient)),
        listing_unit=safe(patient.listing_unit),
        payer=safe(patient.payer),
        interpreter_kind=safe(patient.interpreter_kind),
        interpreter_text=safe(interpreter_text(patient)),
        interpreter_language=safe(patient.interpreter_language),
        special_housing=safe(patient.special_housing),
        minors_at_address=None if is_protected else patient.minors_at_address,
        drug_benefit_text=safe(drug_benefit_text(patient)),
        pascal_text=safe(pascal_text(patient)),
        has_pascal=patient.has_pascal and not is_protected,
        identity_note=safe(identity_note(primary)) if primary else "",
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


def name_now(patient_id):
    """What is shown in place of a name of which only the patient's id was kept; a merged record by the present one."""
    patient = Patient.objects.select_related("merged_into").get(pk=patient_id)
    return shown_name(patient.merged_into or patient)


def age_text(patient, *, on):
    """Age in years; months under two years, days under one month. A deceased person's age at death."""
    if patient.birth_date is None:
        return f"född {patient.birth_date_partial}" if patient.birth_date_partial else UNKNOWN
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


def birth_text(patient):
    """The birth date, or as much of it as the register knows."""
    return patient.birth_date.isoformat() if patient.birth_date else patient.birth_date_partial


def deregistration_text(patient):
    """Why and since when somebody is not folkbokförd; empty of those who are (PA-06)."""
    code = patient.deregistration_code
    if not code:
        return ""
    since = f" {patient.deregistered_on}" if patient.deregistered_on else ""
    return f"Avregistrerad{since}: {DEREGISTERED.get(code, f'okänd orsak ({code})')}"


def interpreter_text(patient):
    """Which interpreter is needed; empty where none is."""
    if not patient.interpreter_language:
        return ""
    if patient.interpreter_kind == InterpreterKind.SIGN:
        return f"Teckenspråkstolk: {patient.interpreter_language}"
    return patient.interpreter_language


def drug_benefit_text(patient):
    """Läkemedelsförmån and on what ground (PA-06)."""
    if patient.drug_benefit_decided_on:
        return f"Ja, beslut av {patient.drug_benefit_decided_by} {patient.drug_benefit_decided_on.isoformat()}"
    return "Ja, folkbokförd" if patient.has_drug_benefit else "Nej"


def pascal_text(patient):
    """Whether prescriptions are in Pascal and whose word it is (PA-06)."""
    if not patient.pascal_told_by:
        return "Nej"
    return f"{'Ja' if patient.has_pascal else 'Nej'}, uppgift av {patient.pascal_told_by} {patient.pascal_told_on.isoformat()}"


PROVEN, ACTIVE = "STYRKT", "AKTIVT"


def identity_note(row):
    """How sure the identity behind a samordningsnummer is, and whether the number is in use; with what it means at the
    desk (PA-09). Unknown codes are shown as told."""
    notes = []
    if row.level and row.level != "INTE_TILLAMPLIG":
        notes.append(f"identiteten är {LEVELS.get(row.level, row.level)}")
    if row.register_status and row.register_status != ACTIVE:
        cause = (
            f" ({CAUSES.get(row.register_status_cause, row.register_status_cause)})"
            if row.register_status_cause
            else ""
        )
        notes.append(f"numret är {REGISTER_STATUSES.get(row.register_status, row.register_status)}{cause}")
    if not notes:
        return ""
    asks = row.level not in ("", PROVEN, "INTE_TILLAMPLIG") or row.register_status not in ("", ACTIVE)
    return f"{' och '.join(notes).capitalize()}{'. Be om handlingar som styrker identiteten.' if asks else '.'}"


def found_by(patient, text, *, today):
    """By which kind of number the typed text led to the patient, where it is not the present identity: words for
    people (PA-03, RI-01). Empty for the present identity. One query where the number is no identity."""
    spellings = set(identities.candidates(text, today=today))
    for row in identities_of(patient):
        if row.value in spellings:
            return "" if row.is_primary else identities.LABELS[row.kind]
    key = patient.search_keys.filter(value=identities.search_key(text)).first()
    return key.get_kind_display() if key else ""


def _is_under_18(patient, on):
    """As guardians are reckoned: where the day is not known, the last one possible is meant (RE-01)."""
    born = patient.birth_date or patient.birth_date_partial
    return bool(born) and not patient.is_deceased and not is_of_age(patient.birth_date, patient.birth_date_partial, on)


def contact_details(patient):
    """Phones, addresses, what 1177 tells and search keys, with their source; none of a protected person is even read
    (SK-02)."""
    if patient.is_protected:
        return {"phones": [], "addresses": [], "portal": None, "search_keys": []}
    phones_of_patient = list(patient.phones.select_related("sms_consent_by").order_by("-is_preferred", "id"))
    for phone in phones_of_patient:
        phone.shown = phones.display(phone.number)
    portal = PortalContact.objects.filter(patient=patient).first()
    if portal:
        portal.shown = phones.display(portal.phone)
    return {
        "phones": phones_of_patient,
        "addresses": list(patient.addresses.select_related("kind").order_by("-kind__is_locked", "kind__name", "id")),
        "portal": portal,
        "search_keys": list(patient.search_keys.order_by("kind", "id")),
    }


def address_use(address, *, on):
    """Of an address with dates, whether it is not used yet or no longer; empty of one in use (PA-07)."""
    if address.valid_from and on < address.valid_from:
        return "Gäller inte än"
    return "Gäller inte längre" if address.valid_to and address.valid_to < on else ""


def confirmed_text(patient):
    """When the data was last confirmed by the register (PA-04)."""
    if patient.is_protected:
        return ""
    if patient.confirmed_at is None:
        return f"Källa: {patient.source or UNKNOWN}. Inte bekräftad mot folkbokföringen."
    return f"Källa: {patient.source}. Bekräftad {local(patient.confirmed_at):%Y-%m-%d %H.%M}."


def unconfirmed_text(patient):
    """The register did not answer: how old what is shown is (PA-04)."""
    if patient.confirmed_at is None:
        return "Folkbokföringen svarar inte. Uppgifterna har aldrig bekräftats mot den."
    return (
        f"Folkbokföringen svarar inte. Uppgifterna är senast bekräftade {local(patient.confirmed_at):%Y-%m-%d %H.%M}."
    )


@dataclass(frozen=True)
class ShownNewcomer:
    """Somebody whom the population register knows and who is no patient here yet (PA-04)."""

    name: str
    identity: str
    identity_value: str
    birth_date: str
    sex: str
    sex_text: str
    protection: str
    is_protected: bool
    is_deceased: bool


def newcomer(record):
    """What may be shown of a register's record: of a protected person the marking in place of the name (SK-02)."""
    protection = ""
    if record.is_protected and record.identity.kind == identities.PERSONNUMMER:
        is_stronger = record.has_protected_registration
        protection = (Protection.POPULATION_REGISTER if is_stronger else Protection.MARKED).value
    told = record.name
    parts = [part for part in (told.surname, told.given_name) if part] if told else []
    sex = record.sex if record.sex in Sex.values else Sex.UNKNOWN.value
    return ShownNewcomer(
        name=Protection(protection).label if protection else ", ".join(parts) or "Namn saknas",
        identity=identities.display(record.identity.kind, record.identity.value),
        identity_value=record.identity.value,
        birth_date=record.born or "",
        sex=sex,
        sex_text=Sex(sex).label,
        protection=protection,
        is_protected=bool(protection),
        is_deceased=register_changes.death(record) is not None,
    )


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
    if seen.deregistration_text and not seen.is_deceased:
        tags.append(Tag("warn", "warn", seen.deregistration_text))
    if seen.identity_note.endswith("identiteten."):
        tags.append(Tag("warn", "warn", seen.identity_note.partition(". ")[0]))
    if seen.interpreter_text:
        tags.append(Tag("warn", "speech", f"Tolk: {seen.interpreter_text}"))
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
    while patient.merged_into_id:
        patient = Patient.objects.with_primary_identity().get(pk=patient.merged_into_id)
    return patient


# --- Relations ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownRelation:
    """A relation as shown. Of a person with protected personal data that such a person is there, and nothing else."""

    id: object
    version: int
    kind: str
    kind_text: str
    name: str
    relation: str
    identity: str
    birth_date: object
    phone: str
    interpreter_language: str
    gets_letter_copy: bool
    source: str
    valid_from: object
    valid_to: object
    is_protected: bool
    is_guardian: bool


def relations_of(patient, *, on):
    """The patient's guardians and contact persons on the day; none of a protected person is even read (SK-02), and
    nobody who has turned 18 has guardians, also before the job has been there (RE-01)."""
    return _shown_relations(patient, patient.relations, on, has_left=_has_left_guardians(patient, on))


def encounter_relations(encounter, *, on):
    """The vårdhändelse's own copy (RE-03). One that has not ended has no guardians of somebody who has turned 18."""
    keeps = encounter.status == Status.ENDED or encounter.is_reopened
    has_left = not keeps and _has_left_guardians(encounter.patient, on)
    return _shown_relations(encounter.patient, encounter.relations, None if keeps else on, has_left=has_left)


def _has_left_guardians(patient, on):
    return not patient.is_deceased and is_of_age(patient.birth_date, patient.birth_date_partial, on)


def called_as(ticket):
    """What a screen in a waiting room shows: the first name where the patient chose it, else the number; of a protected
    person always the number (PL-17, SK-02)."""
    patient = ticket.encounter.patient
    if ticket.by_name and patient.given_name and not patient.is_protected:
        return patient.given_name.split()[0]
    return f"Nr {ticket.number}"


def _shown_relations(patient, rows, on, *, has_left):
    if patient.is_protected:
        return []
    rows = rows.order_by("kind", "id") if on is None else rows.valid_on(on).order_by("kind", "id")
    found = [row for row in rows if not (has_left and row.kind == RelationKind.GUARDIAN)]
    found.sort(key=lambda row: (row.kind != RelationKind.GUARDIAN, row.pk))
    protected = _protected_identities(found)
    return [_shown_relation(row, row.is_protected or row.identity in protected) for row in found]


def _protected_identities(rows):
    """Which of the named persons are themselves patients with protected personal data: theirs are not shown either."""
    numbers = {row.identity for row in rows if row.identity}
    if not numbers:
        return set()
    known = PatientIdentity.objects.filter(value__in=numbers).exclude(patient__protection=Protection.NONE)
    return set(known.values_list("value", flat=True))


def _kind_of(identity):
    """Twelve digits are shown as a personnummer is; anything else as it was told."""
    return IdentityKind.PERSONNUMMER if len(identity) == 12 and identity.isdigit() else IdentityKind.RESERVID


def _shown_relation(row, is_protected):
    def safe(value, hidden=""):
        return hidden if is_protected else value

    return ShownRelation(
        id=row.pk,
        version=row.version,
        kind=row.kind,
        kind_text=RelationKind(row.kind).label,
        name=safe(row.name, "Skyddade personuppgifter") or "Namn saknas",
        relation=safe(row.relation),
        identity=safe(identities.display(_kind_of(row.identity), row.identity)),
        birth_date=safe(row.birth_date, None),
        phone=safe(phones.display(row.phone)),
        interpreter_language=safe(row.interpreter_language),
        gets_letter_copy=safe(row.gets_letter_copy, False),
        source=row.source,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        is_protected=is_protected,
        is_guardian=row.kind == RelationKind.GUARDIAN,
    )
