"""Bokningsbegäran as the list and its own page show it (BB-01)."""

from dataclasses import dataclass, replace

from django.urls import reverse

from scheduling.dates import of_request
from scheduling.models import BookingRequestStatus
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.context import address
from sdv.desk.presenters import dates as dates_words
from sdv.desk.presenters.contact_attempts import attempts_text
from sdv.desk.presenters.invitations import invite_url, invited_tag
from sdv.desk.presenters.rows import days_tag, seen, stamp, with_identities

__all__ = ["COLUMNS", "consequences", "page", "row", "with_identities"]

# BB-01's columns, in the instruction's order and words.
COLUMNS = (
    "Person-ID",
    "Begärd plats",
    "Patientnamn",
    "Begärt startdatum",
    "Begärt slutdatum",
    "Besökstyp",
    "Vårdinrättning",
    "Beskrivning",
    "Önskad resurs",
)


@dataclass(frozen=True)
class RequestRow:
    """A row of the list."""

    pk: object
    version: int
    name: str
    identity: str
    digits: str
    is_protected: bool
    url: str
    place: str
    first: object
    last: object
    days: Tag
    visit_type: str
    facility: str
    description: str
    resource: str
    is_follow_up: bool
    addressee: str
    book_url: str
    resource_url: str
    close_url: str
    confirm_url: str
    attempt_url: str
    attempts: str
    dates: str
    worked_by: str
    invite_url: str
    invited: Tag | None
    take_url: str = ""
    take_fields: dict | None = None
    await_url: str = ""
    letter_url: str = ""


def row(request, actor, *, at, lock=None):
    """The row of one request, for this actor: what may not be done has no address."""
    today = local_date(at)
    patient = seen(request.patient, on=today)
    # Another unit's of a shared list is taken over before anything is done with it (PL-25).
    is_own = request.care_unit_id == actor.care_unit.pk
    may_take = not is_own and actor.may(Permission.HANDLE_WORK_LISTS)
    may_handle = is_own and actor.may(Permission.HANDLE_WORK_LISTS)
    may_decide = is_own and actor.may(Permission.DECIDE_CARE)
    is_follow_up = request.status == BookingRequestStatus.FOLLOW_UP
    return RequestRow(
        pk=request.pk,
        version=request.version,
        name=patient.name,
        identity=patient.identity,
        digits="".join(sign for sign in patient.identity_value if sign.isdigit()),
        is_protected=patient.is_protected,
        url=reverse("booking-request", args=[request.pk]) if is_own else address("patient", request.patient_id),
        place=request.wished_place,
        first=request.wished_from,
        last=request.wished_to,
        days=days_tag(request.wished_to, today),
        visit_type=request.visit_type.name,
        facility=request.care_unit.facility.name + ("" if is_own else f", {request.care_unit.short_name}"),
        description=request.description,
        resource=request.wished_resource.name if request.wished_resource else "",
        is_follow_up=is_follow_up,
        addressee=request.addressee.name if request.addressee else "",
        book_url=_book_url(request) if is_own and actor.may(Permission.BOOK) else "",
        resource_url=reverse("booking-request-resource", args=[request.pk]) if may_handle else "",
        close_url=reverse("booking-request-close", args=[request.pk]) if may_handle else "",
        confirm_url=reverse("booking-request-confirm", args=[request.pk]) if may_handle and is_follow_up else "",
        attempt_url=reverse("contact-attempt", args=["booking-requests", request.pk]) if may_handle else "",
        attempts=attempts_text(request),
        dates=dates_words.line_of_request(of_request(request)),
        take_url=reverse("booking-request-take", args=[request.pk]) if may_take else "",
        take_fields={"version": request.version},
        worked_by=worked_by(lock) if lock and lock.user_id != actor.user.pk else "",
        invite_url=invite_url("booking-requests", request, actor) if is_own else "",
        invited=invited_tag(request, today),
        await_url=reverse("booking-request-await", args=[request.pk]) if may_decide else "",
        letter_url=_letter_url(request) if is_own and actor.may(Permission.WRITE_LETTERS) else "",
    )


def worked_by(lock):
    """M. Ek arbetar med denna (09:40), where somebody else does."""
    return f"{lock.user.name} arbetar med denna ({local(lock.taken_at):%H:%M})" if lock else ""


def _book_url(request):
    place = address("book", request.patient_id)
    return f"{place}?begaran={request.pk}" if place else ""


def _letter_url(request):
    """Where a letter to the patient is written, from the request's own page."""
    back = reverse("booking-request", args=[request.pk])
    return f"{reverse('wait-letter', args=['booking-requests'])}?rad={request.pk}&tillbaka={back}"


def band_that_books(band, request):
    """The patient's band, whose Boka (F8) books this request."""
    url = _book_url(request)
    return replace(band, actions=tuple(way._replace(url=url) if way.key == "F8" else way for way in band.actions))


def page(request, actor, *, at):
    """What the request's own page shows."""
    is_waiting = request.status in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP)
    facts = [
        ("Besökstyp", request.visit_type.name),
        ("Vårdkontaktsorsak", request.contact_reason.name),
        ("Vårdåtagande", request.commitment.problem_code.name if request.commitment else ""),
        ("Begärt", f"{request.wished_from.isoformat()} till {request.wished_to.isoformat()}"),
        ("Erbjudna tider", dates_words.offered(dates := of_request(request))),
        ("Bokad", dates_words.booked(dates)),
        ("Begärd plats", request.wished_place),
        ("Vårdinrättning", request.care_unit.facility.name),
        ("Önskad resurs", request.wished_resource.name if request.wished_resource else ""),
        ("Till", request.addressee.name if request.addressee else ""),
        ("Beskrivning", request.description),
        ("Inkom", stamp(request.created_at)),
        ("Av", request.created_by.name if request.created_by else ""),
        ("Övertagen", f"{stamp(request.taken_over_at)}: {request.taken_over_by.name}" if request.taken_over_at else ""),
        ("Avslutad", f"{stamp(request.closed_at)}: {request.close_reason}" if request.closed_at else ""),
    ]
    return {
        "row": row(request, actor, at=at),
        "status": request.status,
        "is_waiting": is_waiting,
        "days": days_tag(request.wished_to, local_date(at)) if is_waiting else None,
        "facts": [(word, text) for word, text in facts if text or word == "Önskad resurs"],
    }


def consequences(request, *, at):
    """What closing the request leads to for its vårdåtagande (UT-07)."""
    if request.commitment is None or request.commitment.status != "open":
        return []
    return ["Vårdåtagandet är öppet: se till att något annat är planerat, annars hamnar det i listan Utan planering."]
