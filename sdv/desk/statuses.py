"""How each status looks: word, tone and icon. Colour never carries the meaning alone, and lives only here."""

from typing import NamedTuple


class Look(NamedTuple):
    """A status as a person sees it."""

    label: str
    tone: str
    icon: str


STATUSES = {
    # A visit in the day list: what the receptionist sees of appointment and encounter together.
    "visit": {
        "expected": Look("Väntas", "", "clock"),
        "arrived": Look("Ankommen", "info", "arrive"),
        "in_progress": Look("Pågår", "busy", "busy"),
        "checked_out": Look("Utcheckad", "ok", "check"),
        "ended": Look("Avslutad", "ok", "check"),
        "no_show": Look("Utebliven", "danger", "cross"),
        "cancelled": Look("Avbokad", "", "cross"),
        "annulled": Look("Annullerad", "", "cross"),
    },
    "encounter": {
        "planned": Look("Planerad", "", "clock"),
        "in_progress": Look("Pågående", "busy", "busy"),
        "checked_out": Look("Utcheckad", "ok", "check"),
        "ended": Look("Avslutad", "ok", "check"),
    },
    "appointment": {
        "booked": Look("Bokad", "info", "cal"),
        "arrived": Look("Ankommen", "info", "arrive"),
        "no_show": Look("Utebliven", "danger", "cross"),
        "cancelled": Look("Avbokad", "", "cross"),
    },
    "request": {
        "follow_up": Look("Uppföljningsbegäran", "info", "list"),
        "open": Look("Att boka", "warn", "clock"),
        "booked": Look("Bokad", "ok", "cal"),
        "closed": Look("Avslutad", "", "check"),
    },
    "referral": {
        "received": Look("Mottagen", "info", "arrive"),
        "accepted": Look("Accepterad", "ok", "check"),
        "used": Look("Förbrukad", "", "check"),
        "returned": Look("Returnerad", "warn", "left"),
        "forwarded": Look("Vidaresänd", "warn", "right"),
        "rejected": Look("Avvisad", "danger", "cross"),
        "closed": Look("Avslutad", "", "check"),
    },
    "order": {
        "planned": Look("Planerad", "info", "clock"),
        "activated": Look("Aktiverad", "ok", "check"),
        "cancelled": Look("Makulerad", "", "cross"),
    },
    "letter": {
        "unsent": Look("Inte skickat", "warn", "clock"),
        "printed": Look("Utskrivet", "ok", "check"),
        "stopped": Look("Stoppat", "", "cross"),
    },
    "commitment": {
        "open": Look("Öppet", "info", "list"),
        "closed": Look("Avslutat", "", "check"),
    },
    "work_item": {
        "open": Look("Att göra", "warn", "clock"),
        "overdue": Look("Försenad", "danger", "warn"),
        "done": Look("Klar", "ok", "check"),
    },
    "awaited": {
        "watching": Look("Bevakas", "info", "clock"),
        "arrived": Look("Svar har kommit", "warn", "arrive"),
        "decided": Look("Beslutad", "ok", "check"),
        "overdue": Look("Försenad", "danger", "warn"),
    },
    "coding": {
        "missing": Look("Ej klassificerad", "warn", "warn"),
        "partial": Look("Påbörjad", "busy", "busy"),
        "complete": Look("Klar", "ok", "check"),
        "not_applicable": Look("Klassificeras inte", "", "info"),
    },
    "delivery": {
        "prepared": Look("Framställd", "info", "list"),
        "sent": Look("Lämnad", "ok", "check"),
        "discarded": Look("Kasserad", "", "cross"),
    },
}
