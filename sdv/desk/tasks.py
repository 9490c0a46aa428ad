"""Tasks for the worker. Each fetches by name or id, calls one job, and may run twice or late."""

import logging
import time

import pghistory
from celery import shared_task
from django.utils import timezone

from sdv.common.health import note_beat_tick
from sdv.common.requests import REQUEST_ID
from sdv.common.time import now

from .jobs import JOBS

logger = logging.getLogger(__name__)


@shared_task(bind=True, ignore_result=True)
def run_job(self, name):
    """Runs one job of the registry as of the present minute. The message's id stands in log and change log, as a
    request's id does."""
    token = REQUEST_ID.set(self.request.id or "")
    begun = time.monotonic()
    try:
        with pghistory.context(job=name, request=REQUEST_ID.get()):
            lines = JOBS[name](at=now())
    except Exception:
        # Celery's own line has no name of the job; the error goes on to it.
        logger.error("job failed", extra={"job": name})
        raise
    finally:
        REQUEST_ID.reset(token)
    logger.info("job done", extra={"job": name, "count": len(lines), "seconds": round(time.monotonic() - begun, 3)})


@shared_task(ignore_result=True)
def beat_tick():
    """Beat has sent and a worker has received: what /health/ready calls beat."""
    note_beat_tick(timezone.now())
