"""`manage.py import_historical <fil>`: contacts of an earlier system become Historisk (VH-03 i, VH-14)."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from registration import historical_file
from registration.actions import historical
from sdv.accounts.models import User
from sdv.common.time import now

SHOWN = 20
NOTHING = "Ingenting har lästs in."


class Command(BaseCommand):
    help = (
        "Läser in kontakter ur ett tidigare system som typen Historisk (docs/historiska.md). Allt eller inget; samma fil en"
        " gång till ändrar inget. Med --preview visas bara vad som skulle läsas in."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="fil", help="CSV i UTF-8 med semikolon")
        parser.add_argument("--by", required=True, metavar="användarnamn", help="kontot som inläsningen görs av")
        parser.add_argument("--preview", action="store_true", help="visa vad som skulle läsas in och ändra inget")

    def handle(self, *, file, by, preview, **options):
        at = now()
        user = User.objects.filter(username=by, is_active=True).first()
        if user is None:
            raise CommandError(f"Det finns inget aktivt konto som heter {by}.")
        try:
            contacts, faults = historical_file.read(file.read_bytes(), at=at)
        except OSError as error:
            raise CommandError(f"Filen går inte att öppna ({type(error).__name__}). {NOTHING}") from None
        except historical_file.NotReadable as error:
            raise CommandError(f"{error} {NOTHING}") from None
        with transaction.atomic():
            try:
                brought = historical.bring(contacts, by=user, at=at, progress=self._tell)
            except historical.NotUnderstood as stopped:
                faults += stopped.faults
            if faults or preview:
                transaction.set_rollback(True)
        if faults:
            raise CommandError(_told(faults))
        self.stdout.write(
            f"nya: {brought.new}, finns redan: {brought.known}, samma kontakt flera gånger: {brought.doubles}"
        )
        if preview:
            self.stdout.write(NOTHING)

    def _tell(self, done, total):
        self.stderr.write(f"  {done} av {total}")


def _told(faults):
    faults = sorted(faults, key=lambda fault: fault.line)
    lines = [str(fault) for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"… och {len(faults) - SHOWN} till")
    return "\n".join([*lines, NOTHING])
