"""Loads the four outcomes of a visit and their reasons, from scheduling/data. Called by manage.py load_catalogues."""

from pathlib import Path

from django.db import transaction

from registration.codes import code_of
from scheduling.models import Outcome, OutcomeCode, OutcomeReason
from sdv.common.catalogues import lines_of, store

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
    return [store(Outcome, outcomes)[0], store(OutcomeReason, reasons)[0]]
