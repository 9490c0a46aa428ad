"""Filters of Bokningsbegäran (BB-01): what each of them keeps. The page, REST and saved views ask the same."""

from uuid import UUID

from django.db.models import Exists, OuterRef

from registration.models import PatientIdentity
from registration.names import search_words
from scheduling.models import BookingRequestStatus
from sdv.common.dates import parse_date

# The filter → the name in the page's address, which a saved view is also kept under.
NAMES = {
    "identity": "person",
    "wished_place": "plats",
    "name": "namn",
    "wished_from": "fran",
    "wished_to": "till",
    "visit_type": "besokstyp",
    "facility": "inrattning",
    "description": "beskrivning",
    "wished_resource": "resurs",
    "addressee": "tilldelad",
    "status": "status",
}
# What could tell who a person is: never in an address, nor in what is saved.
PERSONAL = ("identity", "name", "description")
# Rows where nobody is wished for; rows whose last day asked for has passed.
NO_RESOURCE, LATE = "ingen", "late"
# Rows that are one's own, whoever asks: a view that is shared shows each person's own. And those that are nobody's.
MYSELF, NOBODY = "mig", "ingen"
# What a filter on a row is beside the row's id.
WORDS_BESIDE_IDS = {"visit_type": (), "wished_resource": (NO_RESOURCE,), "addressee": (MYSELF, NOBODY)}


def narrowed(rows, wanted, *, today, user):
    """The rows that every filter leaves to the user who asks. A protected person is never found by name (SK-05)."""
    if digits := wanted.get("identity"):
        rows = rows.filter(Exists(PatientIdentity.objects.filter(patient=OuterRef("patient"), value__contains=digits)))
    for word in search_words(wanted.get("name") or ""):
        rows = rows.filter(patient__protection="", patient__search_name__contains=f" {word}")
    if wanted.get("wished_from"):
        rows = rows.filter(wished_from__gte=wanted["wished_from"])
    if wanted.get("wished_to"):
        rows = rows.filter(wished_to__lte=wanted["wished_to"])
    if wanted.get("visit_type"):
        rows = rows.filter(visit_type=wanted["visit_type"])
    for name, field in (
        ("wished_place", "wished_place"),
        ("facility", "care_unit__facility__name"),
        ("description", "description"),
    ):
        if wanted.get(name):
            rows = rows.filter(**{f"{field}__icontains": wanted[name]})
    if resource := wanted.get("wished_resource"):
        rows = rows.filter(wished_resource=None if resource == NO_RESOURCE else resource)
    if addressee := wanted.get("addressee"):
        rows = rows.filter(addressee={MYSELF: user, NOBODY: None}.get(addressee, addressee))
    if status := wanted.get("status"):
        rows = rows.waiting().filter(wished_to__lt=today) if status == LATE else rows.filter(status=status)
    return rows


def readable(filters):
    """What a saved view keeps that can be read, by the filter's name. What cannot narrows nothing, as on the page."""
    found = {name: filters[own] for name, own in NAMES.items() if filters.get(own)}
    return {name: text for name, text in found.items() if _is_known(name, text)}


def _is_known(name, text):
    """Whether the text is something that the filter can be: a row by its id, or one of the words."""
    if name == "status":
        return text == LATE or text in BookingRequestStatus.values
    if name not in WORDS_BESIDE_IDS:
        return True
    try:
        return text in WORDS_BESIDE_IDS[name] or bool(UUID(text))
    except ValueError:
        return False


def of_view(filters, *, today):
    """What a saved view narrows by; its days are counted from today where they say so (+14d)."""
    wanted = {}
    for name, text in readable(filters).items():
        if name in ("wished_from", "wished_to"):
            try:
                text = parse_date(text, today)
            except ValueError:
                continue
        wanted[name] = text
    return wanted
