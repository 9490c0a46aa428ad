from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError

from sdv.accounts import tokens
from sdv.accounts.models import User
from sdv.common.time import now


class Command(BaseCommand):
    help = "Skapar en API-nyckel för en användare och skriver ut den en enda gång."

    def add_arguments(self, parser):
        parser.add_argument("username", metavar="användarnamn")
        parser.add_argument("--label", default="", help="vad nyckeln är till för")
        parser.add_argument("--days", type=int, help="nyckeln går ut efter så många dygn")

    def handle(self, *, username, label, days, **options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"Det finns ingen aktiv användare som heter {username}.")
        if days is not None and days < 1:
            raise CommandError("--days ska vara minst 1.")
        if len(label) > 120:
            raise CommandError("--label får vara högst 120 tecken.")
        expires_at = now() + timedelta(days=days) if days else None
        self.stdout.write(tokens.create(user=user, label=label, expires_at=expires_at))
