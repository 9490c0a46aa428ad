"""API tokens: made once, shown once, stored as SHA-256 (the token has 256 bits of its own, so no salt is needed)."""

import hashlib
import secrets

from django.db.models import Q

from .models import ApiToken, StaffAssignment

PREFIX = "sdv_"


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def create(*, user, label="", expires_at=None):
    """A new token for the user. Returns the only copy of its text."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, digest=digest(token), label=label, expires_at=expires_at)
    return token


def find(token, *, at):
    """The living token row with its user, or None."""
    return (
        ApiToken.objects.select_related("user")
        .filter(digest=digest(token), revoked_at__isnull=True, user__is_active=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at))
        .first()
    )


def assignments_of(token, *, at, day):
    """The assignments that the living token's user may act as on the day, each with its user and care unit, in one
    query. Empty where the token is not living, or its user has no assignment."""
    of_token = (
        Q(user__tokens__digest=digest(token), user__tokens__revoked_at__isnull=True)
        & (Q(user__tokens__expires_at__isnull=True) | Q(user__tokens__expires_at__gt=at))
        & Q(user__is_active=True)
    )
    return list(StaffAssignment.objects.valid_on(day).filter(of_token).select_related("user", "care_unit").order_by("pk"))
