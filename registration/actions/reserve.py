"""Reserve identities: the search that comes first, and the new identity from the national service (RI-01, RI-03)."""

import re

from django.db import transaction
from django.utils.crypto import salted_hmac

from registration import doubles, identities, phones, reserve_rules
from registration.actions import contact, patients
from registration.models import PatientHistory, ReserveDecision, ReserveSearch, SearchKeyKind
from registration.names import fold
from registration.population_register import SOURCE, new_reserve_identity
from sdv.common.errors import InputError
from sdv.common.time import local_date


def search(*, keys, by, at):
    """Searches on the keys of RI-01 and remembers that it was done. The search, and those it found for certain."""
    if not (keys.given_name.strip() and keys.surname.strip()):
        raise InputError(surname="Sök på både för- och efternamn. Är namnet okänt: skriv Okänd.")
    _check(keys, today=local_date(at))
    found = doubles.certain(keys, today=local_date(at))
    if not found:
        _typed(keys.identity, local_date(at))
    sought = [word for word, text in keys.numbers.items() if text.strip()]
    kept = ReserveSearch.objects.create(
        by=by,
        at=at,
        keys=", ".join([*sought, "namn" if keys.birth_date is None else "namn och födelsedatum"]),
        fingerprint=_fingerprint(keys),
        has_certain_match=bool(found),
    )
    return kept, found


@transaction.atomic
def create(*, search_id, keys, by, at, actor_hsa_id, has_personnummer=False, decision=None, passport_country=""):
    """A patient on a new national reserve identity, after the search that is named (RI-01). With the verksamhetschef's
    decision also for somebody who has a personnummer, never linked to it (RI-03).

    The search is locked while the service is asked: a second click waits, and is told that it is done."""
    today = local_date(at)
    kept = ReserveSearch.objects.locked().filter(pk=search_id).first()
    if refused := reserve_rules.search_refusal(kept, fingerprint=_fingerprint(keys), by_id=by.pk, at=at):
        raise refused
    typed = _typed(keys.identity, today)
    if decision is not None and (refused := reserve_rules.decision_refusal(decision, today=today)):
        raise refused
    if refused := reserve_rules.person_refusal(
        identity_kind=typed.kind if typed else "", has_personnummer=has_personnummer, decision=decision
    ):
        raise refused
    _check(keys, today=today)
    number = new_reserve_identity(
        birth_date=keys.birth_date,
        sex=keys.sex or "0",
        given_name=keys.given_name,
        surname=keys.surname,
        actor_hsa_id=actor_hsa_id,
    )
    patient = patients.register(
        identity=number,
        given_name=keys.given_name,
        surname=keys.surname,
        birth_date=keys.birth_date,
        sex=keys.sex or "0",
        source=SOURCE,
        by=by,
        at=at,
    )
    _keep(patient, keys, typed, passport_country=passport_country, by=by, at=at)
    if decision is not None:
        ReserveDecision.objects.create(patient=patient, **decision._asdict(), registered_by=by, registered_at=at)
        PatientHistory.objects.create(patient=patient, event="reserve_decided", by=by, at=at)
    kept.patient = patient
    kept.save(update_fields=["patient"])
    return patient


def _check(keys, *, today):
    """What cannot be kept is said before anything is sought or asked for: a number from the service is not given back."""
    wrong = {}
    if keys.birth_date and keys.birth_date > today:
        wrong["birth_date"] = "Födelsedatumet kan inte ligga i framtiden."
    for name in ("lma", "passport"):
        text = getattr(keys, name)
        if text.strip() and not re.fullmatch(r"[0-9A-Z/]{4,30}", identities.search_key(text)):
            wrong[name] = "Skriv numret som det står på kortet eller i passet: bokstäver A–Z och siffror."
    if keys.phone.strip() and not phones.normalised(keys.phone):
        wrong["phone"] = phones.UNREADABLE
    if wrong:
        raise InputError(**wrong)


def _keep(patient, keys, typed, *, passport_country, by, at):
    """What was sought by is kept, so that the next search finds it. A personnummer is not (RI-03)."""
    if typed and typed.kind == identities.LOKALT_RESERVNUMMER:
        patients.link_identity(patient_id=patient.pk, identity=typed.value, kind=typed.kind, by=by, at=at)
    for kind, value, country in (
        (SearchKeyKind.LMA, keys.lma, ""),
        (SearchKeyKind.PASSPORT, keys.passport, passport_country),
    ):
        if value.strip():
            contact.add_search_key(patient_id=patient.pk, kind=kind, value=value, country=country, by=by, at=at)
    if keys.phone.strip():
        patients.edit(patient_id=patient.pk, phone=keys.phone, by=by, at=at)


def _typed(text, today):
    """The whole number that was sought by, or None."""
    if not text.strip():
        return None
    try:
        return identities.parse(text, today=today)
    except identities.IdentityError as error:
        raise InputError(identity=error.sentence) from None


def _fingerprint(keys):
    """What was sought, as one text that says nothing: names folded, numbers in their one spelling."""
    parts = [
        fold(" ".join(keys.given_name.split())),
        fold(" ".join(keys.surname.split())),
        keys.birth_date.isoformat() if keys.birth_date else "",
        *(identities.search_key(text) for text in (keys.identity, keys.lma, keys.passport)),
    ]
    return salted_hmac("registration.reserve_search", "\x1f".join(parts), algorithm="sha256").hexdigest()
