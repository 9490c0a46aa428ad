"""The Celery app and its clock. The schedule is code: what runs when is read here and changed by review.

Every job finds what is due by itself (sdv/desk/jobs.py), so a message that was not worked off before the next one is
due says nothing new and expires: two days' stop leave no heap of messages behind."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sdv.settings")

app = Celery("sdv")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

EACH_MINUTE = crontab()
EXPIRES_AFTER = 55  # seconds: before the next one
RUN_JOB = "sdv.desk.tasks.run_job"


def scheduled(job, when, *, expires=EXPIRES_AFTER):
    return {"task": RUN_JOB, "args": [job], "schedule": when, "options": {"expires": expires}}


# Names are those of sdv.desk.jobs.JOBS; hours are Stockholm's (CELERY_TIMEZONE).
app.conf.beat_schedule = {
    "reveal-preregistrations": scheduled("reveal-preregistrations", EACH_MINUTE),
    "auto-discharge": scheduled("auto-discharge", EACH_MINUTE),
    "deceased-cascade": scheduled("deceased-cascade", EACH_MINUTE),
    "reminders": scheduled("reminders", EACH_MINUTE),
    "letters": scheduled("letters", crontab(minute="*/5"), expires=290),
    "outbox": scheduled("outbox", EACH_MINUTE),
    "code-imports": scheduled("code-imports", EACH_MINUTE),
    "release-holds": scheduled("release-holds", EACH_MINUTE),
    "downtime-lists": scheduled("downtime-lists", crontab(minute="*/15"), expires=840),
    "guardians-of-age": scheduled("guardians-of-age", crontab(minute=0), expires=3000),
    # Before the units open, so that the log tells what they will see.
    "unclosed-days": scheduled("unclosed-days", crontab(hour=6, minute=30), expires=3600),
    "waiting-list-check": scheduled("waiting-list-check", crontab(hour=5, minute=45), expires=3600),
    "rebooking-check": scheduled("rebooking-check", crontab(hour=3, minute=5), expires=3600),
    "check-invariants": scheduled("check-invariants", crontab(hour=3, minute=15), expires=3600),
    "partitions": scheduled("partitions", crontab(hour=4, minute=5), expires=3600),
    # Well before the last day of the month, when it has to be delivered.
    "par-delivery": scheduled("par-delivery", crontab(day_of_month=20, hour=2, minute=30), expires=3600),
    # Every five minutes of the night: the job begins at a minute of its own and goes on until all are done.
    "pu-nightly": scheduled("pu-nightly", crontab(hour="0-5", minute="*/5"), expires=290),
    "beat-tick": {
        "task": "sdv.desk.tasks.beat_tick",
        "schedule": EACH_MINUTE,
        "options": {"expires": EXPIRES_AFTER},
    },
}
