"""Classified contacts for grouping in DRG and ACG outside (KL-07): one row per contact, by a documented layout
(docs/rapporter.md). No name and no identity number: a person is a key that means nothing outside the system."""

from datetime import timedelta

from django.db.models import Q

from classification import production
from classification.production import KINDS, Kind
from classification.register.gathering import AT_A_TIME, content_of, with_contents
from classification.rules.invoice import carried, invoice_refusal
from registration.contact_types import Channel
from registration.models import Encounter
from sdv.common.time import age, local, start_of_day

COLUMNS = (
    ("kontakt", "Vårdhändelsens nummer"),
    ("person", "Nyckel för personen, samma i alla exporter; betyder ingenting utanför systemet"),
    ("vardenhet", "Vårdenhetens HSA-id"),
    ("mvo", "Medicinskt verksamhetsområde, text"),
    ("form", "outpatient, inpatient eller observation, som produktionsstatistiken räknar"),
    ("typ", "Vårdhändelsetypens kod"),
    ("kon", "KV Kön: 1 man, 2 kvinna, 0 okänt, 9 ej tillämpligt"),
    ("alder", "Ålder i hela år den dag kontakten började; tomt om födelsedatum saknas"),
    ("start", "ÅÅÅÅ-MM-DD TT:MM, Stockholms tid"),
    ("slut", "ÅÅÅÅ-MM-DD TT:MM, Stockholms tid"),
    ("vardtid", "Dagar från inskrivning till utskrivning; tomt i öppenvård"),
    ("klar", "1 om klassificeringen är klar, annars 0"),
    ("huvuddiagnos", "ICD-10-SE utan punkt"),
    ("bidiagnoser", "ICD-10-SE utan punkt, i ordning, åtskilda av |"),
    ("yttre_orsaker", "ICD-10-SE kapitel 20, åtskilda av |"),
    ("atgarder", "KVÅ, med de koder som härleds vid rapporteringen, åtskilda av |"),
    ("atc", "ATC, åtskilda av |"),
    ("faktura", "Vilka koder en faktura mellan regioner bär: alla, diagnoser eller inga (R29)"),
    ("faktura_hinder", "1 om en faktura för hela vårdtillfället saknar sin huvuddiagnos (R29), annars 0"),
)


def counted(care_unit_ids, first, last):
    """The contacts that production statistics count in the period (ST-01), as rows."""
    begins, ends = start_of_day(first), start_of_day(last + timedelta(days=1))
    stays = [code for code, kind in KINDS.items() if kind == Kind.INPATIENT]
    others = [code for code, kind in KINDS.items() if kind in (Kind.OUTPATIENT, Kind.OBSERVATION)]
    return Encounter.objects.filter(
        Q(type__in=stays, end__gte=begins, end__lt=ends) | Q(type__in=others, start__gte=begins, start__lt=ends),
        care_unit__in=care_unit_ids,
        status="ended",
    ).exclude(contact_form=Channel.AMONG_STAFF)


def rows(care_unit_ids, first, last):
    """Head and one row per contact, read a thousand at a time."""
    yield tuple(name for name, _ in COLUMNS)
    found = with_contents(counted(care_unit_ids, first, last)).order_by("number")
    for encounter in found.iterator(chunk_size=AT_A_TIME):
        yield _row(encounter, content_of(encounter))


def _row(encounter, content):
    born = encounter.patient.birth_date
    kind = production.kind(encounter.type_id, encounter.status, encounter.contact_form)
    stay = production.stay_days(content.started, content.ended) if kind == Kind.INPATIENT else None
    atc = [code for row in (*content.diagnoses, *content.procedures) for code in row.atc]
    invoiced = {"encounter_type": encounter.type_id, "mvo": content.mvo}
    refused = invoice_refusal(**invoiced, has_main_diagnosis=bool(content.diagnoses))
    return (
        content.key,
        str(encounter.patient_id),
        encounter.care_unit.hsa_id,
        content.mvo,
        str(kind),
        encounter.type_id,
        encounter.patient.sex,
        age(born, content.started) if born else None,
        f"{local(content.start):%Y-%m-%d %H:%M}",
        f"{local(content.end):%Y-%m-%d %H:%M}",
        stay,
        int(content.is_complete),
        content.diagnoses[0].code if content.diagnoses else "",
        "|".join(row.code for row in content.diagnoses[1:]),
        "|".join(code for row in content.diagnoses for code in row.external_causes),
        "|".join(row.code for row in content.procedures),
        "|".join([*atc, *content.substances]),
        str(carried(**invoiced)),
        int(refused is not None),
    )
