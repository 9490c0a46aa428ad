"""Each night all patients are held against the population register, five hundred in a call (PA-04).

The walk goes by key and is remembered batch by batch (RegisterNight), so that a run that was killed goes on where it
was. It works for a few minutes at a time and is started again by the clock: no worker is held for hours. Each
installation begins at a minute of its own, so that not all of them come at midnight."""

import hashlib
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from registration.actions import register as writes
from registration.models import Patient
from registration.population_register import LARGEST_BATCH, RegisterUnavailable, population_register
from registration.register_changes import request
from sdv.common.time import local, local_date, start_of_day
from sdv.flows.models import RegisterNight
from sdv.flows.register import primary_of, take_over

logger = logging.getLogger(__name__)

# Nights begin within these minutes after midnight.
BEGINS_FROM, BEGINS_WITHIN = 15, 180
# Less than a broker waits before it thinks that a worker has died.
SECONDS_AT_A_TIME = 240
LOCK = "register-nightly"


@dataclass
class Counts:
    """What came of a batch, or of a night."""

    asked: int = 0
    changed: int = 0
    unknown: int = 0
    left_out: int = 0
    conflicts: int = 0
    failures: int = 0

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Result:
    """How a run ended. `state`: not-connected, too-early, busy, done, more, failed."""

    state: str
    counts: Counts
    begins_at: object = None
    left: int = 0


def begins_at(at):
    """When the night of `at` begins here: the same minute each night, another one at another installation."""
    name = settings.SDV_PU_CONSUMER or settings.SECRET_KEY
    minute = BEGINS_FROM + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % BEGINS_WITHIN
    # Elapsed minutes after midnight: every night has them, also those when the clock is changed.
    return start_of_day(local_date(at)).astimezone(at.tzinfo) + timedelta(minutes=minute)


def run(*, at, dry_run=False, clock, wait=None):
    """Goes on with the night's walk for some minutes. `clock` gives seconds that only rise; `wait` pauses between calls."""
    register = population_register()
    if register is None:
        return Result("not-connected", Counts())
    begin = begins_at(at)
    if at < begin:
        return Result("too-early", Counts(), begins_at=local(begin))
    with _alone() as is_alone:
        if not is_alone:
            return Result("busy", Counts())
        return _walk(register, at=at, dry_run=dry_run, clock=clock, wait=wait or (lambda seconds: None))


class _alone:
    """Two runs at once would ask twice: the second finds the lock taken. A killed run lets go of it with its connection."""

    def __enter__(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
            (self.taken,) = cursor.fetchone()
        return self.taken

    def __exit__(self, *_):
        if self.taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])


def _walk(register, *, at, dry_run, clock, wait):
    night = RegisterNight.objects.filter(day=local_date(at)).first()
    if night is None:
        night = RegisterNight(day=local_date(at), started_at=at, progressed_at=at)
        if not dry_run:
            night.save(force_insert=True)
    if night.finished_at:
        return Result("done", _counts(night))
    begun, after, made = clock(), night.after_id, Counts()
    state, calls_failed = "more", 0
    with ThreadPoolExecutor(max_workers=max(1, settings.SDV_PU_PARALLEL_CALLS)) as pool:
        while clock() - begun < SECONDS_AT_A_TIME or dry_run:
            batches = _batches(after, settings.SDV_PU_PARALLEL_CALLS)
            if not batches:
                state = "done"
                break
            # The register is asked by several threads, the database by this one alone.
            answers = list(pool.map(lambda batch: _ask(register, batch, at), batches))
            for batch, told in zip(batches, answers, strict=True):
                if told is None:
                    calls_failed = 1
                    made.failures += 1
                    state = "failed"
                    break
                counts = _take_over(batch, told, at=at, dry_run=dry_run)
                made.add(counts)
                after = batch[-1].pk
                if not dry_run:
                    _remember(night, counts, after, at)
            if state == "failed":
                break
            wait(random.uniform(0, 0.5))
    if not dry_run:
        ended = {"finished_at": at} if state == "done" else {}
        failed = {"failures": F("failures") + 1} if calls_failed else {}
        if ended or failed:
            RegisterNight.objects.filter(pk=night.pk).update(**ended, **failed)
        night.refresh_from_db()
        made = _counts(night)
    return Result(
        state, made, left=0 if state == "done" else _all().filter(pk__gt=after).count() if after else _all().count()
    )


def _counts(night):
    return Counts(**{name: getattr(night, name) for name in vars(Counts())})


def _all():
    return Patient.objects.present().filter(identities__is_primary=True)


def _batches(after, how_many):
    """The next patients by key, in batches of one call each. Children's guardians are asked for in calls of their own."""
    rows = _all().filter(pk__gt=after) if after else _all()
    rows = writes.with_what_the_register_owns(rows).order_by("pk")[: LARGEST_BATCH * max(1, how_many)]
    found = list(rows)
    return [found[start : start + LARGEST_BATCH] for start in range(0, len(found), LARGEST_BATCH)]


def _ask(register, batch, at):
    """What is told of a batch, or None where the register does not answer; tried again with back-off by the register."""
    today, told = local_date(at), {}
    for with_relations in (False, True):
        asked = [row for row in batch if writes.is_minor(row, today) == with_relations]
        identities = [identity for row in asked if (identity := primary_of(row))]
        try:
            if identities:
                told |= register.fetch(identities, with_relations=with_relations, can_wait=True)
        except RegisterUnavailable:
            return None
    return told


def _take_over(batch, told, *, at, dry_run):
    """Writes what is new, each patient in a transaction of its own; the rest is confirmed in one statement."""
    today, counts, same = local_date(at), Counts(asked=len(batch)), []
    for patient in batch:
        asked = primary_of(patient)
        if asked not in told:
            counts.left_out += 1
            continue
        record = told[asked]
        if record is None:
            counts.unknown += 1
            continue
        wanted = request(writes.held(patient, today=today), record, today=today)
        if wanted.is_older or wanted.is_of_another:
            counts.conflicts += wanted.is_of_another
        elif wanted.is_empty and wanted.guardians is None:
            same.append(patient.pk)
        elif dry_run:
            counts.changed += not wanted.is_empty
        else:
            outcome = _one(patient, record, at)
            counts.failures += outcome is None
            counts.changed += bool(outcome and outcome.is_changed)
            counts.conflicts += len(outcome.conflicts) if outcome else 0
    if not dry_run:
        writes.confirm(same, at=at)
    return counts


def _one(patient, record, at):
    """One patient's outcome; a fault with one is told and does not stop the others."""
    try:
        return take_over(patient_id=patient.pk, record=record, at=at)
    except Exception as error:
        logger.error("a record could not be taken over: %s", type(error).__name__)
        return None


@transaction.atomic
def _remember(night, counts, after, at):
    changes = {name: F(name) + value for name, value in vars(counts).items() if value}
    RegisterNight.objects.filter(pk=night.pk).update(after_id=after, progressed_at=at, **changes)
