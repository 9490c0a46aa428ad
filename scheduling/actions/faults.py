"""The waiting list's daily check: what is wrong gets a fault with an owner, what has been mended is closed (PL-11)."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F, Q

from scheduling import faults
from scheduling.models import ListFault
from scheduling.owners import Owners
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write


@dataclass(frozen=True)
class Checked:
    """What one run found and closed, and how many are open after it."""

    found: int
    mended: int
    open: int


@transaction.atomic
def check(*, at, dry_run=False):
    """Runs the check over every unit. May run late, twice and in parallel: a fault that is there is not made again."""
    if not dry_run:
        with connection.cursor() as cursor:
            # Two runs at once take turns; the second finds nothing new.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('waiting-list-check'))")
    found, mended = [], 0
    owners = Owners(local_date(at))
    for subject, kind in faults.checks():
        rows = faults.wrong(subject, kind, at=at)
        nearest = "addressee_id" if subject == "booking_request" else "decided_by_id"
        known = ListFault.objects.open().filter(kind=kind, **{f"{subject}__isnull": False})
        # Another unit has taken the row over: its fault is that unit's, so the old one is closed and a new one found.
        right = known.exclude(Q(**{f"{subject}__in": rows.values("pk")}), care_unit=F(f"{subject}__care_unit"))
        mended += right.count() if dry_run else right.update(closed_at=at, version=F("version") + 1)
        new = rows.exclude(pk__in=known.values(subject))
        found += [
            ListFault(
                care_unit_id=row.care_unit_id,
                patient_id=row.patient_id,
                kind=kind,
                owner_id=owners.of(row.care_unit_id, getattr(row, nearest), row.created_by_id),
                found_on=local_date(at),
                **{subject: row},
            )
            for row in new
        ]
    if not dry_run:
        ListFault.objects.bulk_create(found, batch_size=1000)
    still_open = ListFault.objects.open().count()
    if dry_run:
        still_open += len(found) - mended
    return Checked(len(found), mended, still_open)


@transaction.atomic
def assign(*, fault_id, owner, by, at, version=None):
    """Somebody at the unit takes a fault as his or her own. Of two at once the second is told who was first (PL-27); from
    a person who has taken it, it is taken by whoever has seen that, which the version says."""
    fault = ListFault.objects.locked().get(pk=fault_id)
    if fault.closed_at:
        raise RuleError("PL-11", "Felet är redan åtgärdat. Läs in listan igen.", code="already_done")
    if fault.owner_id == owner.pk:
        return fault
    refuse_stale(fault, version, by="owner", at="taken_at")
    if version is None and fault.taken_at:
        refused = RuleError("PL-11", f"{fault.owner.name} har redan tagit felet. Läs in listan igen.", code="taken")
        raise refused.told(fault.owner, fault.taken_at)
    return write(fault, owner=owner, taken_at=at)
