from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from classification.actions import imports
from classification.actions.releases import ReleaseFacts
from classification.importing.errors import CatalogueError
from classification.importing.files import MEBIBYTE, MOST_BYTES, SourceFile
from classification.models import System
from sdv.common.errors import RuleError
from sdv.common.time import now

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Läser in en utgåva av ett kodsystem ur de officiella filerna (KL-05). Allt eller inget; samma filer en gång till"
        " ändrar inget. Med --preview visas bara vad som skulle ändras."
    )

    def add_arguments(self, parser):
        parser.add_argument("system", choices=System.values, help="kodsystem")
        parser.add_argument("files", nargs="+", type=Path, metavar="fil", help="utgåvans filer, alla på en gång")
        parser.add_argument("--release", required=True, help="utgåvans beteckning, t.ex. 2027")
        parser.add_argument("--from", required=True, type=date.fromisoformat, dest="valid_from", help="första dag")
        parser.add_argument("--to", type=date.fromisoformat, dest="valid_to", help="sista dag (annars tills vidare)")
        parser.add_argument("--source", default="", help="varifrån filerna hämtades och när")
        parser.add_argument("--synonyms", nargs="*", default=[], type=Path, metavar="fil", help="filer med sökord")
        parser.add_argument("--preview", action="store_true", help="visa vad som skulle ändras och ändra inget")

    def handle(self, *args, **options):
        facts = ReleaseFacts(
            system=options["system"],
            version=options["release"],
            valid_from=options["valid_from"],
            valid_to=options["valid_to"],
            source=options["source"] or ", ".join(path.name for path in options["files"]),
        )
        try:
            files = [_read(path) for path in options["files"]]
            synonym_files = [_read(path) for path in options["synonyms"]]
            if options["preview"]:
                self._show(imports.compared(facts=facts, files=files, synonym_files=synonym_files))
                self.stdout.write("Ingenting har ändrats.")
                return
            loaded, report = imports.import_now(
                facts=facts, files=files, synonym_files=synonym_files, by=None, at=now(), progress=self._tell
            )
        except CatalogueError as stopped:
            raise CommandError(f"{stopped} Ingenting har lästs in.") from stopped
        except RuleError as stopped:
            raise CommandError(f"{stopped.sentence} ({stopped.rule}) Ingenting har lästs in.") from stopped
        self._show(report)
        self.stdout.write(str(loaded))

    def _tell(self, step, done, total):
        self.stderr.write(f"  {step}: {done} av {total}" if total else f"  {step}")

    def _show(self, report):
        counts = report["counts"]
        beside = f" jämfört med {report['compared_with']}" if report["compared_with"] else ""
        self.stdout.write(
            f"{report['codes']} koder{beside}: {counts['added']} nya, {counts['changed']} ändrade,"
            f" {counts['ended']} upphör, {counts['same']} lika; {report['synonyms']} sökord"
        )
        for kind, sign in (("added", "+"), ("changed", "~"), ("ended", "-")):
            for code, title, *what in report[kind][:SHOWN]:
                said = "; ".join(f"{name}: {before} → {after}" for name, before, after in (what[0] if what else []))
                self.stdout.write(f"  {sign} {code} {title}{f' ({said})' if said else ''}")
            if counts[kind] > SHOWN:
                self.stdout.write(f"  {sign} … och {counts[kind] - SHOWN} till")
        if report["shortened"]:
            version, last = report["shortened"]
            self.stdout.write(f"Utgåvan {version} gäller till och med {last}.")
        for remark in report["remarks"]:
            self.stdout.write(f"Obs: {remark}")


def _read(path):
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CatalogueError(f"{path.name} är större än {MOST_BYTES // MEBIBYTE} MB och läses inte.")
        with path.open("rb"):
            return SourceFile.at_path(path)
    except OSError as error:
        raise CatalogueError(f"{path} går inte att läsa ({error.strerror}).") from error
