"""`manage.py tell_engagement_index`: what had ended before the engagement index was connected is told to it (VH-20)."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from registration.actions import engagements


class Command(BaseCommand):
    help = "Lägger patienter vars avslutade vårdhändelser engagemangsindex inte känner till i kön till indexet."

    def handle(self, **options):
        if not settings.SDV_EI_ADDRESS:
            raise CommandError("Inget engagemangsindex är anslutet (SDV_EI_ADDRESS). Se docs/vardkontakter.md.")
        self.stdout.write(f"patienter att berätta om: {engagements.tell_all()}")
