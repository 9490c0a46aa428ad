"""Runs by hand what beat runs by the clock: for operators and rehearsals."""

from datetime import datetime

import pghistory
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sdv.common.errors import RuleError
from sdv.common.time import STOCKHOLM, minute, now
from sdv.desk.jobs import JOBS, JobFailed


class Command(BaseCommand):
    help = "Kör ett jobb nu, eller som om klockan vore --at. Går att köra hur många gånger som helst."

    def add_arguments(self, parser):
        parser.add_argument("job", choices=sorted(JOBS), metavar="jobb", help=", ".join(sorted(JOBS)))
        parser.add_argument("--at", help="jobbets nu, t.ex. 2026-11-21T23:59 (Stockholmstid om inget annat anges)")
        parser.add_argument("--dry-run", action="store_true", help="säg vad som skulle göras, skriv ingenting")

    def handle(self, *, job, at, dry_run, **options):
        with pghistory.context(job=job, request=f"run_job {job}"):
            try:
                lines = JOBS[job](at=moment(at) if at else now(), dry_run=dry_run)
            except RuleError as refusal:
                raise CommandError(refusal.sentence) from refusal
            except JobFailed as failure:
                self.tell(failure.lines)
                raise CommandError(failure.sentence) from failure
        self.tell(lines)

    def tell(self, lines):
        for line in lines:
            self.stdout.write(line)


def moment(text):
    """The minute meant by an ISO time; without offset, Stockholm's clock."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at ska vara en tidpunkt som 2026-11-21T23:59, inte ”{text}”.") from None
    return minute(timezone.make_aware(given, STOCKHOLM) if timezone.is_naive(given) else given)
