from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

import classification.catalogues
import registration.catalogues
import scheduling.catalogues
from sdv.common.catalogues import CatalogueError


class Command(BaseCommand):
    help = "Läser in katalogerna: vårdhändelsetyper, besökstyper, orsaker, utfall, koder. Kan köras flera gånger."

    def add_arguments(self, parser):
        parser.add_argument("--utan-koder", action="store_true", help="läs inte in klassifikationernas koder")

    @transaction.atomic
    def handle(self, *args, utan_koder=False, **options):
        try:
            done = registration.catalogues.load() + scheduling.catalogues.load() + classification.catalogues.load()
        except CatalogueError as stopped:
            raise CommandError(f"{stopped}. Ingenting har lästs in.") from stopped
        for loaded in done:
            self.stdout.write(str(loaded))
        if not utan_koder:
            call_command("load_codes", stdout=self.stdout)
