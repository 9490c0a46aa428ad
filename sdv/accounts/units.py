"""Where a user may do something by an assignment of its own, whichever one the session acts as: for what concerns
several units at once (BO-02)."""

from .actor import Actor
from .models import StaffAssignment
from .permissions import Role, allowed


def assignments_where(user, permission, day):
    """The user's assignments of the day that carry the permission, by the name of their unit."""
    roles = [role for role in Role if allowed(role, permission)]
    rows = StaffAssignment.objects.usable(day).filter(user=user, role__in=roles)
    return list(rows.order_by("care_unit__name", "id"))


def care_units_where(user, permission, day):
    """The care units of those assignments, each once."""
    return list({row.care_unit_id: row.care_unit for row in assignments_where(user, permission, day)}.values())


def other_units(actor, permission, day):
    """Those besides the session's own."""
    found = care_units_where(actor.user, permission, day)
    return [unit for unit in found if unit != actor.care_unit]


def actor_at(user, care_unit, permission, day):
    """The user as it acts at the unit: what it does there is logged under its own assignment there."""
    rows = assignments_where(user, permission, day)
    return Actor(user, [row for row in rows if row.care_unit_id == care_unit.pk])
