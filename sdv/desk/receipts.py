"""Kvittensraden: what was last saved, with Ångra for five minutes. One per session, replaced by the next action."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from registration.presenters import name_now
from sdv.common.time import local, now

KEY = "receipt"
UNDO_MINUTES = 5


@dataclass(frozen=True)
class Receipt:
    """What the line says: 09:41 Ankomst registrerad för **Nilsson, Göran**."""

    at: datetime
    text: str
    whom: str
    undo_url: str

    @property
    def clock(self):
        return local(self.at).strftime("%H:%M")

    @property
    def can_undo(self):
        return bool(self.undo_url) and now() - self.at <= timedelta(minutes=UNDO_MINUTES)


def leave_receipt(request, *, at, text, whom=None, undo_url=""):
    """Leaves the receipt of an act. The session keeps which patient it was (`whom`), never a name: that is looked up
    when the receipt is shown, so that a protection that has come meanwhile is heeded (SK-05). `undo_url` is posted to."""
    of = str(whom.pk) if whom else ""
    request.session[KEY] = {"at": at.isoformat(), "text": text, "of": of, "undo_url": undo_url}


def clear_receipt(request):
    """Takes the receipt away: the act was undone, or the session acts at another unit."""
    request.session.pop(KEY, None)


def last_receipt(request):
    """The receipt to show, or None."""
    session = getattr(request, "session", None)
    kept = session.get(KEY) if session is not None else None
    if not kept:
        return None
    whom = name_now(kept["of"]) if kept.get("of") else ""
    return Receipt(datetime.fromisoformat(kept["at"]), kept["text"], whom, kept["undo_url"])
