"""Who works with a row, views that are saved, and the same change on many rows (BB-01, PL-27)."""

from django.db import transaction
from django.db.models import Q

from registration.models import Patient
from scheduling import rules
from scheduling.models import BookingRequest, KeptFilters, RowLock, SavedView
from sdv.common.errors import InputError, RuleError

from . import work_items

MANY = 200


def at_work(request, *, by, at):
    """The user opens the request to work with it. Returns the RowLock of somebody else who already does, or None: the
    user then has it, and lets go of any other. A lock is forgotten after a while."""
    with transaction.atomic():
        row = BookingRequest.objects.locked().get(pk=request.pk)
        lock = _lock_of(row, by=by)
        if lock and lock.user_id != by.pk and lock.taken_at > at - rules.ROW_LOCK_TIME:
            return lock
        RowLock.objects.filter(user=by).exclude(booking_request=row).delete()
        RowLock.objects.update_or_create(
            booking_request=row, defaults={"user": by, "taken_at": at, "taken_over_from": None}
        )
    return None


def take(*, request_id, by, at):
    """As `at_work`, of a request that waits; somebody else's is refused, and who has it is named (PL-27)."""
    with transaction.atomic():
        row = BookingRequest.objects.locked().get(pk=request_id)
        work_items.refuse_unless_waiting(row)
        if lock := at_work(row, by=by, at=at):
            raise rules.request_worked_with(lock.user.name, lock.taken_at).told(lock.user, lock.taken_at)


@transaction.atomic
def take_over(*, request_id, by, at):
    """Tar över the row; the change log tells from whom (PL-27)."""
    row = BookingRequest.objects.locked().get(pk=request_id)
    work_items.refuse_unless_waiting(row)
    lock = _lock_of(row, by=by)
    had = lock.user if lock and lock.user_id != by.pk else None
    RowLock.objects.filter(user=by).exclude(booking_request=row).delete()
    lock, _ = RowLock.objects.update_or_create(
        booking_request=row, defaults={"user": by, "taken_at": at, "taken_over_from": had}
    )
    return lock


def _lock_of(row, *, by):
    """The row's lock, or None. It and the user's own are taken in one order, so that two who take each other's rows at the
    same moment wait for one another and no more."""
    locks = RowLock.objects.filter(Q(booking_request=row) | Q(user=by)).locked()
    return next((lock for lock in list(locks) if lock.booking_request_id == row.pk), None)


def let_go(*, request_id, by):
    """Lets go of an own lock; one already gone is no fault."""
    RowLock.objects.filter(booking_request=request_id, user=by).delete()


def working_with(request_ids, *, at):
    """Who works with each of the requests: id → RowLock, in one query."""
    locks = RowLock.objects.living(at - rules.ROW_LOCK_TIME).filter(booking_request__in=request_ids)
    return {lock.booking_request_id: lock for lock in locks.select_related("user")}


@transaction.atomic
def change_many(*, request_ids, care_unit, by, at, close_reason=None, **changes):
    """The same change on many waiting requests of the unit, all of them or none: `addressee`, `wished_resource`, or
    `close_reason`. A row that somebody else works with, or has dealt with, stops all and is named."""
    ids = sorted(set(request_ids), key=str)
    if not ids:
        raise InputError(rad="Markera minst en rad.")
    if len(ids) > MANY:
        raise InputError(rad=f"Markera högst {MANY} rader åt gången.")
    asked = BookingRequest.objects.filter(pk__in=ids, care_unit=care_unit)
    if close_reason is not None:
        # The patients first, as whoever books one of them does.
        list(Patient.objects.filter(pk__in=asked.values("patient_id")).locked())
    rows = list(asked.locked())
    if len(rows) != len(ids):
        raise InputError(rad="Någon av raderna finns inte på enheten. Läs in listan igen.")
    for lock in working_with(ids, at=at).values():
        if lock.user_id != by.pk:
            raise rules.worked_with(lock.user.name, lock.taken_at).told(lock.user, lock.taken_at)
    for row in rows:
        if close_reason is not None:
            work_items.close_request(request_id=row.pk, reason=close_reason, by=by, at=at)
        else:
            work_items.change_request(request_id=row.pk, by=by, at=at, **changes)
    return rows


def keep_filters(*, care_unit, filters, by):
    """The filters that the user meets next time at the unit (BB-01)."""
    KeptFilters.objects.update_or_create(user=by, care_unit=care_unit, defaults={"filters": filters})


@transaction.atomic
def save_view(*, care_unit, name, filters, by, at, is_shared=False, is_default=False):
    """Saves the filters under a name; the same name again replaces one's own view."""
    name = name.strip()
    if not name:
        raise InputError(namn="Ge vyn ett namn.")
    if is_default:
        SavedView.objects.filter(user=by, care_unit=care_unit, is_default=True).exclude(name=name).update(
            is_default=False
        )
    view, _ = SavedView.objects.update_or_create(
        user=by,
        care_unit=care_unit,
        name=name,
        defaults={"filters": filters, "is_shared": is_shared, "is_default": is_default},
    )
    return view


def remove_view(*, view_id, by, at):
    """Takes away one's own view. Another's shared view is the other's to take away."""
    view = SavedView.objects.get(pk=view_id)
    if view.user_id != by.pk:
        raise RuleError("BB-01", f"Vyn {view.name} är någon annans. Den som sparade den kan ta bort den.")
    view.delete()
