"""The starter set that lies in the repository: which files make which release (classification/data/SOURCE.md)."""

import csv
from datetime import date
from functools import cache
from pathlib import Path

from classification.actions.releases import ReleaseFacts, load_release
from classification.importing.synonyms import Term
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


@cache
def derived():
    """The codes that are derived at reporting and never typed (KL-04)."""
    return frozenset(row["code"] for row in rows_of("derived_codes.csv"))


@cache
def known_sex():
    """{code: KV Kön} where WHO's list limits a code to one sex: a question of plausibility, no Swedish rule."""
    return {row["code"]: row["sex"] for row in rows_of("sex_restrictions.csv")}


@cache
def terms():
    """The repository's own words, which every release of the national lists is searched by too."""
    return tuple(
        Term(row["system"], row["code"], row["term"].strip(), row["source"], "")
        for row in rows_of("synonyms_starter.csv")
    )


def load(at=None):
    """Loads or reloads the starter set; what was done, system by system."""
    synonyms = list(rows_of("synonyms_starter.csv"))
    return [
        load_release(
            ReleaseFacts(system=system, version=VERSION, valid_from=VALID_FROM, source=source),
            rows_of(name),
            synonyms=synonyms,
            derived=derived(),
            at=at,
        )
        for system, (name, source) in FILES.items()
    ]
