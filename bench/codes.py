"""The search for codes (KL-03): `make bench` measures it last, `python -m bench.codes` alone.

Five hundred recorded queries (code_queries.txt: everyday phrases, codes with and without dot, misspellings, beginnings of
words as they are typed, procedures, and words that stand everywhere) against the full national lists where they lie
beside the checkout, otherwise against the starter set. The time is of the whole search, with all its statements, round
trips and rows; the aim is that nineteen of twenty take less than twenty milliseconds."""

import os
import statistics
import time
from datetime import UTC, date, datetime
from pathlib import Path

from sdv import embedded

FOLDER = embedded.LOCAL_FOLDER / "bench"
QUERIES = Path(__file__).with_name("code_queries.txt")
LISTS = next(
    (
        folder / "shared" / "data" / "classification"
        for folder in Path(__file__).resolve().parents
        if (folder / "shared" / "data" / "classification").is_dir()
    ),
    None,
)
FULL = {
    "icd-10-se": (["icd10se.csv"], ["ksh97p_synonyms.csv"]),
    "kva": (["kva_2026.csv", "kva_groups_2026.csv"], []),
}
SYSTEMS, DAY, ROUNDS, AIM = ["icd-10-se", "kva", "regional"], date(2026, 11, 26), 3, 20


def prepare():
    """The codes: the starter set, and over it the full lists where they are. Returns how long each import took."""
    from django.db import connections

    from classification import starter
    from classification.actions import imports
    from classification.actions.releases import ReleaseFacts
    from classification.importing.files import SourceFile

    at = datetime(2026, 11, 26, tzinfo=UTC)
    starter.load(at=at)
    seconds = {}
    for system, (names, synonyms) in FULL.items() if LISTS else ():
        began = time.monotonic()
        imports.import_now(
            facts=ReleaseFacts(system, "mätning", date(2026, 1, 1), "full lista"),
            files=[SourceFile.at_path(LISTS / name) for name in names],
            synonym_files=[SourceFile.at_path(LISTS / name) for name in synonyms],
            by=None,
            at=at,
        )
        seconds[system] = round(time.monotonic() - began, 1)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE classification_code, classification_codesynonym, classification_codeword")
    return seconds


def search():
    """What the queries take, and which are the slowest."""
    from classification.models import Code

    texts = QUERIES.read_text(encoding="utf-8").splitlines()
    times = {}
    for _ in range(ROUNDS):
        for text in texts:
            began = time.perf_counter()
            Code.objects.search(text, SYSTEMS, DAY, 20, registrable=True)
            times.setdefault(text, []).append((time.perf_counter() - began) * 1000)
    medians = {text: statistics.median(taken) for text, taken in times.items()}
    slowest = sorted(medians.items(), key=lambda row: -row[1])
    every = sorted(medians.values())
    return {
        "codes": Code.objects.count(),
        "full_lists": LISTS is not None,
        "queries": len(texts),
        "p50_ms": round(statistics.median(every), 2),
        "p95_ms": round(every[int(len(every) * 0.95)], 2),
        "max_ms": round(every[-1], 2),
        "aim_p95_ms": AIM,
        "slowest": [[text, round(taken, 1)] for text, taken in slowest[:25]],
    }


def report(found, seconds):
    print(
        f"kodsökning: {found['queries']} frågor mot {found['codes']} koder"
        f" ({'fullständiga listor' if found['full_lists'] else 'startuppsättningen'}):"
        f" p50 {found['p50_ms']} ms, p95 {found['p95_ms']} ms (mål {found['aim_p95_ms']}), längst {found['max_ms']} ms"
    )
    print("  långsammast: " + ", ".join(f"{text} {taken}" for text, taken in found["slowest"][:8]))
    if seconds:
        print("  inläsning: " + ", ".join(f"{system} {taken} s" for system, taken in seconds.items()))


def main():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["SDV_DATABASE_POOL"] = "0"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    seconds = prepare()
    report(search(), seconds)


if __name__ == "__main__":
    main()
