"""What reading a full national list in costs in memory and time (KL-05): `python -m bench.imports`, each list in a process
of its own against a database of its own, all rolled back. Told is the process's largest resident size, and what it was
before. Needs the full lists beside the checkout; figures are read by people."""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime

from bench.codes import FOLDER, FULL, LISTS
from sdv import embedded

AT = datetime(2026, 11, 26, tzinfo=UTC)
# The last is what happens each new year: the whole list beside the whole list before it.
PREVIEW, FIRST, NEXT = "förhandsgranskning", "inläsning", "nästa utgåva"


def main():
    if LISTS is None:
        sys.exit("De fullständiga listorna finns inte bredvid utcheckningen: inget att mäta.")
    embedded.ensure_environment(FOLDER)
    for system in FULL:
        for what in (PREVIEW, FIRST, NEXT):
            subprocess.run([sys.executable, "-m", "bench.imports", system, what], check=True)


def measure(system, what):
    """One list, previewed or let into effect, as the command does it."""
    _ready()
    from django.db import transaction

    from classification.actions import imports
    from classification.importing.files import SourceFile

    names, synonyms = FULL[system]
    given = {
        "files": [SourceFile.at_path(LISTS / name) for name in names],
        "synonym_files": [SourceFile.at_path(LISTS / name) for name in synonyms],
    }
    years = {PREVIEW: (), FIRST: (2031,), NEXT: (2031, 2032)}[what]
    before = _peak()
    with transaction.atomic():
        began = time.monotonic()
        codes = 0 if years else imports.compared(facts=_facts(system, 2031), **given)["codes"]
        for year in years:
            began = time.monotonic()
            loaded, _ = imports.import_now(facts=_facts(system, year), **given, by=None, at=AT)
            codes = loaded.codes
        seconds = time.monotonic() - began
        # Measured, not kept: the next run finds the same.
        transaction.set_rollback(True)
    size = sum(file.size for file in given["files"]) / 2**20
    print(
        f"{system} {what}: {codes} koder, {size:.1f} MB fil, processen som mest {_peak():.0f} MB,"
        f" {before:.0f} MB innan, {seconds:.1f} s",
        flush=True,
    )


def _facts(system, year):
    from classification.actions.releases import ReleaseFacts

    return ReleaseFacts(system, f"mätning {year}", date(year, 1, 1), "full lista")


def _ready():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["SDV_DATABASE_POOL"] = "0"
    import django

    django.setup()
    from django.core.management import call_command

    from classification import starter

    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    starter.load(at=AT)


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
