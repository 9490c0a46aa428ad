"""Loads the four outcomes of a visit and their reasons, and the regional kallelsetexter, from scheduling/data. Called by
manage.py load_catalogues."""

from pathlib import Path

from django.db import transaction

from registration.codes import code_of
from scheduling.models import LetterLanguage, LetterPart, LetterText, Outcome, OutcomeCode, OutcomeReason
from sdv.common.catalogues import Loaded, lines_of, store
from sdv.organisation.models import CareUnitKind

DATA = Path(__file__).parent / "data"
YES_OR_NO = {"ja": True, "nej": False}
OUTCOMES = {outcome.label: outcome for outcome in OutcomeCode}


@transaction.atomic
def load():
    """Loads all of it or nothing (UT-02…04). Raises CatalogueError at the first unknown thing."""
    outcomes = [
        {
            "code": line.known("utfall", OUTCOMES).value,
            "name": line["utfall"],
            "position": position,
            "requires_reason": line.known("kraver_orsak", YES_OR_NO),
            "creates": line["skapar"],
            "description": line["beskrivning"],
        }
        for position, line in enumerate(
            lines_of(DATA / "utfall_av_besok.csv", ["utfall", "kraver_orsak", "skapar", "beskrivning"]), start=1
        )
    ]
    reasons = []
    for line in lines_of(DATA / "orsaker_till_utfall.csv", ["utfall", "siffra", "orsak", "kalla"]):
        if line["siffra"] not in "123456789":
            line.stop(f"siffra är 1–9: ”{line['siffra']}”")
        reasons.append(
            {
                "code": code_of(line.required("orsak")),
                "name": line["orsak"],
                "outcome_id": line.known("utfall", OUTCOMES).value,
                "position": int(line.required("siffra")),
                "source": line["kalla"],
            }
        )
    return [store(Outcome, outcomes)[0], store(OutcomeReason, reasons)[0], load_letter_texts()]


def load_letter_texts():
    """The regional texts of letters, in words of our own (KA-03). Where a part has a version, whatever it says, it is the
    administrators'."""
    loaded = Loaded(LetterText._meta.verbose_name_plural)
    known = set(LetterText.objects.values_list("part", "unit_kind", "language"))
    languages = {language.value: language for language in LetterLanguage}
    parts, kinds = {part.value: part for part in LetterPart}, {"": "", **{kind.value: kind for kind in CareUnitKind}}
    new = []
    for line in lines_of(DATA / "kallelsetexter.csv", ["del", "slag_av_enhet", "sprak", "text", "kalla"]):
        part, kind = line.known("del", parts), line.known("slag_av_enhet", kinds)
        language = line.known("sprak", languages)
        if (part, kind, language) in known:
            loaded.unchanged += 1
            continue
        told = {"text": line.required("text"), "source": line.required("kalla")}
        new.append(LetterText(part=part, unit_kind=kind, language=language, **told))
    LetterText.objects.bulk_create(new)
    loaded.added = len(new)
    return loaded
