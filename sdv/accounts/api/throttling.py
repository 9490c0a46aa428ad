"""A generous limit per account, counted in Valkey so that all web processes share it. A runaway loop meets it, work does
not. With Valkey gone nothing is refused: the limit protects, it is not a rule."""

import time
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.throttling import BaseThrottle

SECONDS = 60
PATIENCE = 0.25  # seconds to wait for Valkey
PAUSE = 30  # seconds without asking after it did not answer


@cache
def _client():
    return redis.Redis.from_url(
        settings.BROKER_URL.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1),
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )


class AccountThrottle(BaseThrottle):
    """So many calls in each whole minute, per account."""

    asked_again_at = 0.0

    def allow_request(self, request, view):
        present = time.time()
        if present < AccountThrottle.asked_again_at:
            return True
        window = int(present // SECONDS)
        key = f"sdv:api-calls:{request.user.pk}:{window}"
        try:
            with _client().pipeline(transaction=False) as pipeline:
                count, _ = pipeline.incr(key).expire(key, 2 * SECONDS).execute()
        except (redis.RedisError, OSError):
            AccountThrottle.asked_again_at = present + PAUSE
            return True
        self.left = SECONDS - present % SECONDS
        return count <= settings.SDV_API_CALLS_PER_MINUTE

    def wait(self):
        return self.left
