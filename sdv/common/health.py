"""Two questions of whoever runs the system: does the process live, and can it do its work.

Without the database nothing works, so only the database makes the answer 503. Broker and beat carry what may come
later (every job finds what is due by itself), so they are reported as degraded with 200. No login, no session."""

import logging
from datetime import UTC, datetime, timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

OK, DEGRADED, FAILED = "ok", "degraded", "failed"
BEAT_KEY = "sdv:beat-tick"
OLDEST_TICK = timedelta(minutes=3)
BROKER_SECONDS = 1


@never_cache
@require_safe
def live(request):
    """The process answers."""
    return JsonResponse({"status": OK})


@never_cache
@require_safe
def ready(request):
    """Which parts work: database, broker, and beat's last tick."""
    database = database_state()
    broker, beat = broker_and_beat_state(timezone.now())
    return JsonResponse({"database": database, "broker": broker, "beat": beat}, status=200 if database == OK else 503)


def database_state():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        logger.warning("health: database does not answer")
        return FAILED
    return OK


def broker_and_beat_state(at):
    """Beat is degraded too when the broker is: its tick travels through it."""
    try:
        with broker() as client:
            tick = client.get(BEAT_KEY)
    except (redis.RedisError, OSError):
        logger.warning("health: broker does not answer")
        return DEGRADED, DEGRADED
    if tick is None:
        return OK, DEGRADED
    age = at - datetime.fromtimestamp(float(tick), tz=UTC)
    return OK, OK if age <= OLDEST_TICK else DEGRADED


def note_beat_tick(at):
    """Writes down that a message from beat reached a worker."""
    with broker() as client:
        client.set(BEAT_KEY, at.timestamp())


def broker():
    """A short-lived client that gives up after a second. Celery writes redis+socket:// where redis-py says unix://."""
    return redis.Redis.from_url(
        settings.BROKER_URL.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1),
        socket_connect_timeout=BROKER_SECONDS,
        socket_timeout=BROKER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
