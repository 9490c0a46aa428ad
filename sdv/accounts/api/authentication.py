"""Who calls the API: an integration by its token, or a person by the browser's session."""

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed

from sdv.accounts import tokens
from sdv.accounts.actor import Actor
from sdv.common.problems import CallRefused
from sdv.common.time import local_date


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`: acts with every assignment that the token's user has today. A token needs no
    CSRF check: no browser sends it by itself."""

    def authenticate(self, request):
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        at = timezone.now()
        assignments = tokens.assignments_of(token, at=at, day=local_date(at))
        if assignments:
            user = assignments[0].user
        elif living := tokens.find(token, at=at):
            user = living.user
        else:
            raise AuthenticationFailed
        request._request.actor = Actor(user=user, assignments=assignments)
        return user, "token"

    def authenticate_header(self, request):
        return 'Bearer realm="sdv"'


class BrowserSessionAuthentication(BaseAuthentication):
    """The logged-in session of our own pages, as its chosen assignment. Writes carry the CSRF token."""

    def authenticate(self, request):
        user = request._request.actor.user
        if user is None:
            return None
        check = CSRFCheck(lambda _: None)
        check.process_request(request._request)
        if check.process_view(request._request, None, (), {}):
            raise CallRefused(
                403, "csrf_failed", "Anropet saknar sidans skydd (CSRF). Läs in sidan igen, eller använd en nyckel."
            )
        return user, "session"


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema tells of tokens."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "Nyckel från manage.py create_token."}


class SessionScheme(OpenApiAuthenticationExtension):
    """How the schema tells of the browser's session."""

    target_class = BrowserSessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sdv_session",
            "description": "Webbläsarens inloggning; skrivande anrop har X-CSRFToken.",
        }
