"""Who acts in this request: a user with one chosen assignment (browser) or all of its assignments (API token)."""

from dataclasses import dataclass, field

from sdv.common.errors import NotPermitted

from .permissions import Permission, allowed


@dataclass
class Actor:
    """The user and the assignments it acts as. The first assignment is the chosen one."""

    user: object
    assignments: list = field(default_factory=list)

    @property
    def assignment(self):
        return self.assignments[0] if self.assignments else None

    @property
    def care_unit(self):
        """The unit of the chosen assignment: screens start from it."""
        return self.assignment.care_unit if self.assignment else None

    @property
    def care_unit_ids(self):
        return {assignment.care_unit_id for assignment in self.assignments}

    def may(self, permission, care_unit_id=None):
        """Whether some assignment (at the unit, when one is given) carries the permission."""
        permission = Permission(permission)
        return any(
            allowed(assignment.role, permission)
            for assignment in self.assignments
            if care_unit_id is None or assignment.care_unit_id == care_unit_id
        )

    def units_where(self, permission):
        """Ids of the care units where the actor has the permission."""
        permission = Permission(permission)
        return {a.care_unit_id for a in self.assignments if allowed(a.role, permission)}

    def require(self, permission, care_unit_id=None):
        """Raises NotPermitted where `may` says no."""
        if not self.may(permission, care_unit_id):
            raise NotPermitted(permission)

    def assignment_for(self, care_unit_id):
        """The assignment to log an access under: at the unit if there is one, else the chosen one."""
        return next((a for a in self.assignments if a.care_unit_id == care_unit_id), self.assignment)
