"""API tokens: made once, shown once, stored as SHA-256 (the token has 256 bits of its own, so no salt is needed)."""

import hashlib
import secrets

from django.db import connection
from django.db.models import Q

from .models import ApiToken, StaffAssignment, User

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


# Asked by every call of the API, so it is written out: building it by the ORM takes longer than the answer itself.
_ASSIGNMENTS = """
SELECT a.id, a.care_unit_id, a.role, a.purpose, u.id, u.username, u.name
FROM accounts_apitoken t
JOIN accounts_user u ON u.id = t.user_id AND u.is_active
JOIN accounts_staffassignment a ON a.user_id = u.id
WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(at)s)
  AND (a.valid_from IS NULL OR a.valid_from <= %(day)s) AND (a.valid_to IS NULL OR a.valid_to >= %(day)s)
ORDER BY a.id
"""


def assignments_of(token, *, at, day):
    """The assignments that the living token's user may act as on the day, with their user, in one query. Empty where
    the token is not living, or its user has no assignment."""
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNMENTS, {"digest": digest(token), "at": at, "day": day})
        rows = cursor.fetchall()
    if not rows:
        return []
    # What is not read here is read when somebody asks for it.
    user = User.from_db(connection.alias, ["id", "username", "name"], rows[0][4:])
    return [
        _acting(StaffAssignment.from_db(connection.alias, ["id", "care_unit_id", "role", "purpose"], row[:4]), user)
        for row in rows
    ]


def _acting(assignment, user):
    assignment.user = user
    return assignment
