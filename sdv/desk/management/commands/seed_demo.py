from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from classification.models import Code
from sdv.common.time import now
from sdv.desk.demo import seed
from sdv.organisation.models import CareUnit


class Command(BaseCommand):
    help = "Lägger in en påhittad region med påhittade patienter. Bara där SDV_DEMO=1, aldrig i produktion."

    def add_arguments(self, parser):
        parser.add_argument("--patienter", type=int, default=seed.PATIENTS, help="hur många patienter")
        parser.add_argument("--kontakter", type=int, default=seed.CONTACTS, help="ungefär hur många tidigare kontakter")

    def handle(self, *, patienter, kontakter, **options):
        if not settings.SDV_DEMO:
            raise CommandError("Demodata läggs bara in där SDV_DEMO=1. Sätt den aldrig i produktion.")
        if seed.is_done():
            self.stdout.write("Demodata finns redan; ingenting har ändrats.")
            return
        if CareUnit.objects.exists():
            raise CommandError("Databasen har andra enheter än demons. Demodata läggs bara in i en tom databas.")
        if not Code.objects.exists():
            raise CommandError("Katalogerna saknas. Kör load_catalogues först.")
        seed.seed(at=now(), patients=patienter, contacts=kontakter, tell=self.stdout.write)
