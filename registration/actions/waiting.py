"""Avvikelser: time of waiting that is not counted, registered with reason, ended, withdrawn (BO-04)."""

from datetime import timedelta

from django.db import IntegrityError, transaction

from registration import waiting
from registration import waiting_times as rules
from registration.models import Referral, ReferralStatus, WaitDeviation
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

WAITING = (ReferralStatus.RECEIVED, ReferralStatus.RETURNED, ReferralStatus.ACCEPTED)
NO_OVERLAP = "no_day_is_taken_off_twice"


@transaction.atomic
def register_deviation(
    *,
    referral_id,
    kind,
    starts_on,
    reason,
    by,
    at,
    ends_on=None,
    is_informed=False,
    offered_at=None,
    has_declined=False,
):
    """Days of a wait that are not counted. Raises RuleError where they may not be taken off."""
    referral = Referral.objects.locked().select_related("care_unit").get(pk=referral_id)
    if referral.status not in WAITING:
        raise RuleError(
            "BO-04",
            f"Remissen väntar inte längre: den är {referral.get_status_display().lower()}.",
            code="wrong_status",
        )
    wait = waiting.wait_of(referral, on=local_date(at), limits=waiting.limits())
    refused = rules.deviation_refusal(
        kind=kind,
        reason=reason,
        starts_on=starts_on,
        ends_on=ends_on,
        since=referral.waiting_since,
        today=local_date(at),
        is_primary_care=referral.care_unit.is_primary_care,
        conditions=(is_informed, has_declined),
        offered=local_date(offered_at) if offered_at else None,
        limit_day=None if wait.limit is None else wait.since + timedelta(days=wait.limit + wait.left_out),
    )
    if refused:
        raise refused
    try:
        with transaction.atomic():
            return WaitDeviation.objects.create(
                referral=referral,
                kind=kind,
                starts_on=starts_on,
                ends_on=ends_on,
                reason=reason,
                is_informed=is_informed,
                offered_at=offered_at,
                has_declined=has_declined,
                created_by=by,
            )
    except IntegrityError as error:
        raise _overlap(error) from error


@transaction.atomic
def end_deviation(*, deviation_id, ends_on, by, at, version=None):
    """The last day that is not counted. The day may be set again while the deviation stands."""
    deviation = _lock(deviation_id, version)
    if ends_on < deviation.starts_on:
        raise InputError(ends_on="Sista dagen ska inte ligga före den första.")
    try:
        with transaction.atomic():
            return write(deviation, ends_on=ends_on)
    except IntegrityError as error:
        raise _overlap(error) from error


@transaction.atomic
def withdraw_deviation(*, deviation_id, reason, by, at, version=None):
    """The deviation was wrong: its days count again. It stays to be seen, with why."""
    deviation = _lock(deviation_id, version)
    if not reason.strip():
        raise RuleError("BO-04", "Ange varför avvikelsen återkallas.", code="reason_missing", needs_reason=True)
    return write(deviation, withdrawn_at=at, withdrawn_by=by, withdraw_reason=reason)


def _lock(deviation_id, version):
    deviation = WaitDeviation.objects.locked().get(pk=deviation_id)
    if deviation.withdrawn_at:
        refused = RuleError("BO-04", "Avvikelsen är redan återkallad.", code="wrong_status")
        raise refused.told(deviation.withdrawn_by, deviation.withdrawn_at)
    refuse_stale(deviation, version)
    return deviation


def _overlap(error):
    if NO_OVERLAP not in str(error):
        raise error
    return RuleError(
        "BO-04", "Det finns redan en avvikelse för någon av dagarna. Avsluta eller återkalla den först.", code="overlap"
    )
