"""The numbers in the main menu: what is open at the unit and due. A page's url name → how it is counted.

Each function takes the care unit and answers with one statement; it runs only when a page draws the menu. The numbers
count what is due today or late, so that they can reach zero (ui.md 4.8)."""

from sdv.common.time import now


def _due(*names):
    def counted(care_unit):
        # Imported when it runs: the lists' pages need the menu's addresses.
        from .presenters import work

        return work.due_count(care_unit, names, at=now())

    return counted


COUNTS = {
    "booking-requests": _due("booking-requests"),
    "work-lists": _due(
        "to-book",
        "awaiting-result",
        "missing-follow-up",
        "no-shows",
        "open-invitations",
        "awaiting-check-out",
        "cancelled-not-ended",
    ),
    "coding": _due("coding"),
}
