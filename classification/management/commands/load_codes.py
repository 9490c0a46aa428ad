from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from classification import starter
from classification.actions.releases import CatalogueError
from sdv.common.time import now


class Command(BaseCommand):
    help = "Läser in startuppsättningen av koder (ICD-10-SE, KVÅ, ATC, KSH97-P, regionala). Kan köras flera gånger."

    @transaction.atomic
    def handle(self, *args, **options):
        try:
            done = starter.load(at=now())
        except CatalogueError as stopped:
            raise CommandError(f"{stopped} Ingenting har lästs in.") from stopped
        for loaded in done:
            self.stdout.write(str(loaded))
