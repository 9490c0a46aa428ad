"""From the row of a list and back to it: who has booked, called or decided comes back to the list as it stood, with the
next row selected (ui.md 4.6). What the address carries is the list's own and an opaque id, nothing about a person."""

from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

from scheduling.models import AppointmentStatus

BACK, SELECTED, BOOKED = "tillbaka", "rad", "bokad"


class ReturnToList:
    """The way back to the list of a request, from each of the rows that it shows."""

    def __init__(self, request, pks):
        kept = request.GET.copy()
        for name in (SELECTED, BOOKED):
            kept.pop(name, None)
        self.place = f"{request.path}?{kept.urlencode()}{'&' if kept else ''}"
        # When the row is gone the next is worked with; of the last, the one before it.
        self.following = dict(zip(pks, [*pks[1:], *pks[-2:-1]], strict=False))

    def after(self, pk):
        """The list with the row after this one selected."""
        following = self.following.get(pk)
        return f"{self.place}{SELECTED}={following}" if following else self.place.rstrip("?&")

    def at(self, pk):
        """The list with the row itself selected, for what leaves it there."""
        return f"{self.place}{SELECTED}={pk}"

    def from_row(self, url, pk):
        """The address of an act on the row, which leads back to the list; an empty one stays empty."""
        return f"{url}{'&' if '?' in url else '?'}{urlencode({BACK: self.after(pk)})}" if url else ""

    def of_row(self, row):
        """The row of a work list whose acts lead back."""
        buttons = tuple(
            button._replace(url=self.from_row(button.url, row.pk))
            if button.method == "get"
            else button._replace(fields={"back": self.at(row.pk)} | (button.fields or {}))
            for button in row.buttons
        )
        urls = {old.url: new.url for old, new in zip(row.buttons, buttons, strict=True)}
        return row._replace(buttons=buttons, url=urls.get(row.url, row.url))

    def of_request(self, row):
        """The row of Bokningsbegäran whose acts lead back."""
        names = ("book_url", "attempt_url", "invite_url", "await_url", "close_url")
        return replace(row, **{name: self.from_row(getattr(row, name), row.pk) for name in names})


def uuid_of(text):
    """The id that an address or a form tells, or None."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def came_back(request):
    """What a list shows to who comes back to it: the row that is selected, and the booking that was just made."""
    booked = None
    if pk := uuid_of(request.GET.get(BOOKED, "")):
        rows = request.actor.care_unit.appointments.filter(pk=pk, status=AppointmentStatus.BOOKED)
        booked = rows.with_details().first()
    return {"selected": uuid_of(request.GET.get(SELECTED, "")), "booked": booked}


def with_booking(url, appointment):
    """The list that the booking was made from, which tells it."""
    return f"{url}{'&' if '?' in url else '?'}{BOOKED}={appointment.pk}"
