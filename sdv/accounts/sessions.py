"""What a browser session knows of the person: the assignment it acts as and the personal settings."""

from sdv.common.time import local_date

from .middleware import ASSIGNMENT_KEY
from .models import StaffAssignment, UserSettings

PREFERENCES_KEY = "preferences"


def usable_assignments(user, *, at):
    """The assignments the user may act as today: the one used last first, then in the order they were given, so that
    a person's main one is preselected at the first login."""
    usable = list(StaffAssignment.objects.usable(local_date(at)).filter(user=user).order_by("id"))
    last = UserSettings.objects.filter(user=user).values_list("last_assignment_id", flat=True).first()
    return sorted(usable, key=lambda assignment: assignment.pk != last)


def act_as(request, assignment):
    """From here on the session acts as the assignment. It is preselected at the next login."""
    request.session[ASSIGNMENT_KEY] = str(assignment.pk)
    UserSettings.objects.update_or_create(user=assignment.user, defaults={"last_assignment": assignment})


def load_preferences(request, user):
    """Puts the personal settings into the session, where every page reads them without asking the database."""
    settings = UserSettings.objects.filter(user=user).first() or UserSettings(user=user)
    _keep(request, settings)


def save_preferences(request, user, **changes):
    """Changes personal settings for this session and the coming ones."""
    settings, _ = UserSettings.objects.update_or_create(user=user, defaults=changes)
    _keep(request, settings)


def _keep(request, settings):
    request.session[PREFERENCES_KEY] = {
        "density": settings.density,
        "shortcuts": settings.shortcuts,
        "hide_identities": settings.hide_identities,
    }
