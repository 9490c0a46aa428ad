"""The starter set that lies in the repository: which files make which release (classification/data/SOURCE.md)."""

import csv
from datetime import date
from pathlib import Path

from classification.actions.releases import ReleaseFacts, load_release
from classification.models import System

FOLDER = Path(__file__).parent / "data"
VERSION = "startuppsättning"
# A choice for the practice environment: older contacts can be coded too.
VALID_FROM = date(2020, 1, 1)

FILES = {
    System.ICD_10_SE: ("icd10se_starter.csv", "Urval ur ICD-10-SE, publicerad 2023-12-01"),
    System.KVA: ("kva_starter.csv", "Urval ur KVÅ 2026, filversion 1.0"),
    System.ATC: ("atc_starter.csv", "Urval ur ATC, NSL 2020-04-07"),
    System.KSH97P: ("ksh97p_starter.csv", "Urval ur KSH97-P 2015"),
    System.REGIONAL: ("regional_starter.csv", "Instruktionen om distanskontakter (DI-05)"),
}


def rows_of(name):
    """The rows of one of the files."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=";")


def load():
    """Loads or reloads the starter set; what was done, system by system."""
    synonyms = list(rows_of("synonyms_starter.csv"))
    derived = {row["code"] for row in rows_of("derived_codes.csv")}
    return [
        load_release(
            ReleaseFacts(system=system, version=VERSION, valid_from=VALID_FROM, source=source),
            rows_of(name),
            synonyms=synonyms,
            derived=derived,
        )
        for system, (name, source) in FILES.items()
    ]
