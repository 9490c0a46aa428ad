"""Makes and decides on deliveries to the patient register (PAR-01). What was made is kept byte for byte."""

import hashlib

from django.db import transaction

from classification.models import (
    DeliveredContact,
    DeliveryFinding,
    DeliveryState,
    RegisterDelivery,
    RegisterFile,
    RegisterReporter,
)
from classification.register.decisions import decision_refusal
from classification.register.gathering import latest_delivery, prepare
from sdv.common.time import minute
from sdv.common.versions import refuse_stale


@transaction.atomic
def deliver(*, reporter_id, period, by, at):
    """Makes the files of the period and keeps them. Where the last delivery of the same period has exactly these bytes
    nothing new is made and that one is the answer: run twice, done once. `by` is empty where the clock decided."""
    reporter = RegisterReporter.objects.locked().get(pk=reporter_id)
    prepared = prepare(reporter, period)
    checksum = checksum_of(prepared.files)
    last = latest_delivery(reporter)
    if last and (last.first_day, last.checksum) == (period.first, checksum):
        return last
    delivery = RegisterDelivery.objects.create(
        reporter=reporter,
        layout=prepared.layout_row,
        layout_digest=prepared.layout.digest,
        is_verified=prepared.layout.is_verified,
        first_day=period.first,
        last_day=period.last,
        checksum=checksum,
        inpatient=prepared.inpatient,
        outpatient=prepared.outpatient,
        held_back=prepared.held_back,
        warnings=sum(not finding.is_error for _, finding in prepared.findings),
        review=prepared.review,
        made_by=by,
        made_at=minute(at),
    )
    RegisterFile.objects.bulk_create(
        RegisterFile(
            delivery=delivery,
            name=file.name,
            subset=file.subset,
            file=file.file,
            rows=file.rows,
            size=len(file.content),
            checksum=file.checksum,
            content=file.content,
        )
        for file in prepared.files
    )
    DeliveredContact.objects.bulk_create(
        (DeliveredContact(delivery=delivery, encounter_id=pk) for pk in prepared.encounters), batch_size=5000
    )
    DeliveryFinding.objects.bulk_create(
        (
            DeliveryFinding(
                delivery=delivery,
                encounter_id=who.pk,
                is_error=finding.is_error,
                code=finding.code,
                detail=finding.detail[:300],
            )
            for who, finding in prepared.findings
        ),
        batch_size=5000,
    )
    return delivery


def checksum_of(files):
    """One checksum of all files, by name and content."""
    told = "".join(f"{file.checksum}  {file.name}\n" for file in sorted(files, key=lambda file: file.name))
    return hashlib.sha256(told.encode()).hexdigest()


@transaction.atomic
def mark_sent(*, delivery_id, by, at, version=None):
    """Lämnad: a person has handed the files over. Refused where the layout is not verified."""
    return _decide(delivery_id, DeliveryState.SENT, by=by, at=at, version=version)


@transaction.atomic
def discard(*, delivery_id, reason, by, at, version=None):
    """Kasserad: the files are kept but do not count as delivered. Needs a reason."""
    return _decide(delivery_id, DeliveryState.DISCARDED, by=by, at=at, version=version, reason=reason)


def _decide(delivery_id, state, *, by, at, version, reason=""):
    delivery = RegisterDelivery.objects.locked().get(pk=delivery_id)
    refuse_stale(delivery, version)
    if refused := decision_refusal(delivery.state, state, is_verified=delivery.is_verified, reason=reason):
        raise refused.told(delivery.decided_by, delivery.decided_at) if delivery.decided_by_id else refused
    delivery.state = state
    delivery.decided_by, delivery.decided_at, delivery.reason = by, minute(at), reason
    delivery.version += 1
    delivery.save(update_fields=["state", "decided_by", "decided_at", "reason", "version"])
    return delivery
