"""Whose work it is: nothing that waits is nobody's (PL-02, PL-05, PL-11)."""

from sdv.accounts.models import StaffAssignment
from sdv.accounts.permissions import Role

# Whose is what nobody has: the first in this order at the unit.
OWNING_ROLES = (Role.COORDINATOR, Role.CLINICIAN, Role.RECEPTIONIST)


class Owners:
    """Those who work on the day, at every unit or at one: whoever is nearest, as long as that person works at the unit; else
    the unit's first coordinator, clinician or receptionist by name."""

    def __init__(self, day, **units):
        self.here, self.first = {}, {}
        rows = StaffAssignment.objects.valid_on(day).filter(user__is_active=True, **units).select_related("user")
        for each in sorted(rows, key=lambda row: (row.user.name, str(row.user_id))):
            self.here.setdefault(each.care_unit_id, set()).add(each.user_id)
            if each.role in OWNING_ROLES:
                self.first.setdefault((each.care_unit_id, each.role), each.user_id)

    def of(self, care_unit_id, *nearest):
        """The owner's id, of those `nearest` by their ids; None where nobody works there."""
        here = self.here.get(care_unit_id, set())
        for user in nearest:
            if user in here:
                return user
        return next(
            (self.first[care_unit_id, role] for role in OWNING_ROLES if (care_unit_id, role) in self.first), None
        )


def owner_of_booking(appointment, *, day):
    """Whose work a booking is that came to nothing, or is to be moved (PL-02, PL-05): its main responsible's. Where that is
    nobody who logs in — a room alone, a practitioner without an account — as with the faults of the list."""
    main = (
        appointment.encounter.participants.filter(is_main_responsible=True).select_related("practitioner__user").first()
    )
    user = main.practitioner.user if main else None
    if user is not None and user.is_active:
        return user.pk
    unit = appointment.care_unit_id
    return Owners(day, care_unit=unit).of(unit)
