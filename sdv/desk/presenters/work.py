"""The work lists as their pages show them: which rows, in which order, what each row says, and what is done with it.

One list component for all (templates/work/list.html). A list begins at the unit's own rows, its rows are keyset-paged
by (`field`, id), and its counts are taken in one statement. Names follow the glossary."""

from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from registration.models import Encounter, Referral
from scheduling import faults, promises
from scheduling.first_bookings import unbooked
from scheduling.models import (
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    FreedTime,
    Lack,
    ListFault,
    MissingFollowUp,
    NoShowItem,
    OpenInvitation,
    RebookingItem,
    with_attempts,
)
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local_date, start_of_day
from sdv.desk.context import address
from sdv.desk.presenters.contact_attempts import SUBJECTS, attempts_text
from sdv.desk.presenters.invitations import invitation_row
from sdv.desk.presenters.list_faults import fault_row
from sdv.desk.presenters.rows import Cell, RowButton, WorkList, days_in_words, days_tag, row_of, stamp, with_identities
from sdv.desk.presenters.to_book import attempt_button, to_book, to_book_row
from sdv.organisation.models import CareUnit

POSTPONE = timedelta(days=7)


# --- Avvakta, Saknar återbesök, Uteblivna -----------------------------------------------------------------------------

ITEMS = {"awaiting-result": AwaitedResult, "missing-follow-up": MissingFollowUp, "no-shows": NoShowItem}
POSTPONED = ITEMS | {"rebooking": RebookingItem}


def _items(model):
    return lambda unit, at: model.objects.open().filter(care_unit=unit)


def _item_due(rows, at):
    return rows.filter(watch_until__lte=local_date(at))


def _item_row(name):
    def row(item, actor, at):
        today = local_date(at)
        decide = postpone = answer = None
        if actor.may(Permission.DECIDE_CARE):
            decide = RowButton("Besluta", reverse("work-item-decide", args=[name, item.pk]), "Enter", sheet=True)
        if actor.may(Permission.HANDLE_WORK_LISTS):
            postpone = RowButton("Skjut upp", reverse("work-item-postpone", args=[name, item.pk]), "S", sheet=True)
            if name == "awaiting-result" and item.status == AwaitedStatus.WATCHING:
                url = reverse("work-item-result", args=[item.pk])
                answer = RowButton("Svar har kommit", url, "A", "post")
        cells = [Cell(item.watch_until.isoformat(), days_tag(item.watch_until, today), number=True)]
        if name == "awaiting-result":
            cells.append(_awaited(item))
        cells += [
            Cell(visit_of(item.encounter), grow=True),
            Cell(item.commitment.problem_code.name if item.commitment else "", grow=True),
            Cell(item.responsible.name if item.responsible else "Ingen"),
        ]
        url = reverse("encounter", args=[item.encounter_id])
        return row_of(
            item,
            on=today,
            url=url,
            cells=cells,
            buttons=[decide, answer, attempt_button(name, item, actor), postpone],
            version=item.version,
            attempts=attempts_text(item),
        )

    return row


def _awaited(item):
    text = f"{item.reason.name}: {item.waiting_for}" if item.waiting_for else item.reason.name
    return Cell(
        text, Tag("ok", "check", "Svar har kommit") if item.status == AwaitedStatus.ARRIVED else None, grow=True
    )


def visit_of(encounter):
    """The kind of contact and its day."""
    kind = encounter.visit_type.name if encounter.visit_type else encounter.type.name
    return f"{kind} {local_date(encounter.start).isoformat()}"


# --- Ombokningar --------------------------------------------------------------------------------------------------------


def _rebooking_row(item, actor, at):
    today, booking = local_date(at), item.appointment
    move = book = cancel = postpone = None
    if actor.may(Permission.HANDLE_WORK_LISTS):
        postpone = RowButton("Skjut upp", reverse("work-item-postpone", args=["rebooking", item.pk]), "S", sheet=True)
    if actor.may(Permission.BOOK):
        move = RowButton("Ny tid", reverse("rebooking-move", args=[item.pk]), "Enter", sheet=True)
        book = RowButton("Boka om", reverse("appointment-reschedule", args=[booking.pk]), "B")
        cancel = RowButton("Avboka", reverse("appointment-cancel", args=[booking.pk]), "A", sheet=True)
    return row_of(
        item,
        on=today,
        url=reverse("encounter", args=[item.encounter_id]),
        cells=[
            Cell(item.watch_until.isoformat(), days_tag(item.watch_until, today), number=True),
            Cell(stamp(booking.start), number=True),
            Cell(visit_of(item.encounter), grow=True),
            Cell(cause_text(item), grow=True),
            Cell(item.responsible.name if item.responsible else "Ingen"),
        ],
        buttons=[move, book, attempt_button("rebooking", item, actor), postpone, cancel],
        version=item.version,
        attempts=attempts_text(item),
    )


def cause_text(item):
    """Why a booking is to be moved: an absence, that the tidbok no longer has the time, that its grupptillfälle is cancelled,
    or that what a consult was booked for is called off or moved (PL-02, BO-02)."""
    if item.session_id:
        return f"Inställt: {item.session.name}, {stamp(item.session.start)}"
    if item.contact_id:
        return f"Konsult åt {item.contact.care_unit.short_name}: vården där är avbokad, flyttad eller avslutad"
    if item.resource_id:
        what = "finns inte på enheten den dagen" if item.lack == Lack.RESOURCE else "har inte längre tiden"
        return f"Tidboken: {item.resource.name} {what}"
    return absence_text(item.absence, item.care_unit_id)


def absence_text(absence, care_unit_id):
    """What kind of absence, whose and when. Another unit of the person is told who registered it, and not what kind."""
    is_own, resource = absence.care_unit_id == care_unit_id, absence.resource
    who = "hela enheten"
    if resource:
        who = resource.name if is_own else str(resource.practitioner)
    times = f"{stamp(absence.period.lower)}–{stamp(absence.period.upper)}"
    text = f"{absence.kind_at(care_unit_id).label}, {who}, {times}"
    return text if is_own else f"{text}, registrerad av {absence.care_unit.name}"


# --- Vårdhändelser ------------------------------------------------------------------------------------------------------


def _awaiting_check_out_row(encounter, actor, at):
    url = reverse("encounter", args=[encounter.pk])
    button = None
    if actor.may(Permission.CHECK_OUT):
        button = RowButton("Checka ut", address("check-out", encounter.pk), "U")
    days = (local_date(at) - local_date(encounter.start)).days
    return row_of(
        encounter,
        on=local_date(at),
        url=url,
        cells=[
            Cell(
                stamp(encounter.start),
                Tag("danger", "warn", f"Kom för {days_in_words(days)} sedan") if days else None,
                True,
            ),
            Cell(encounter.visit_type.name if encounter.visit_type else encounter.type.name, grow=True),
            Cell(encounter.contact_reason.name if encounter.contact_reason else "", grow=True),
            Cell(encounter.commitment.problem_code.name if encounter.commitment else "", grow=True),
        ],
        buttons=[button],
        version=encounter.version,
    )


def _cancelled_not_ended_row(encounter, actor, at):
    url = reverse("encounter", args=[encounter.pk])
    button = None
    if actor.may(Permission.REGISTER_ENCOUNTERS):
        button = RowButton("Avsluta", reverse("encounter-discharge", args=[encounter.pk]), "Enter", sheet=True)
    return row_of(
        encounter,
        on=local_date(at),
        url=url,
        cells=[
            Cell(stamp(encounter.planned_start), number=True),
            Cell(stamp(encounter.cancelled_at), number=True),
            Cell(encounter.visit_type.name if encounter.visit_type else encounter.type.name, grow=True),
        ],
        buttons=[button],
        version=encounter.version,
    )


# --- Utan planering -----------------------------------------------------------------------------------------------------


def _broken_row(commitment, actor, at):
    url = address("patient-commitments", commitment.patient_id)
    ask = book = None
    if actor.may(Permission.HANDLE_WORK_LISTS):
        place = reverse("booking-request-create", args=[commitment.patient_id])
        ask = RowButton("Ny bokningsbegäran", f"{place}?vardatagande={commitment.pk}", "N")
    if actor.may(Permission.BOOK) and (place := address("book", commitment.patient_id)):
        book = RowButton("Boka", f"{place}?vardatagande={commitment.pk}", "B")
    return row_of(
        commitment,
        on=local_date(at),
        url=url,
        cells=[
            Cell(commitment.opened_on.isoformat(), number=True),
            Cell(commitment.problem_code.name, grow=True),
        ],
        buttons=[book, ask],
        version=commitment.version,
    )


# --- The lists, in the order of the start page ----------------------------------------------------------------------------

_ITEM_DETAILS = ("patient", "encounter__type", "encounter__visit_type", "commitment__problem_code", "responsible")

LISTS = {
    each.name: each
    for each in (
        WorkList(
            "to-book",
            "Att boka",
            "Accepterade remisser tills patienten har kommit. Den som har en tid är märkt Bokad.",
            "Inga remisser att boka.",
            Referral.URGENCY,
            ("Måldatum", "Problem", "Grund", "Ankom", "Har väntat"),
            lambda unit, at: Referral.objects.to_book().filter(care_unit=unit),
            to_book_row,
            due=lambda rows, at: unbooked(rows).filter(due_on__lte=local_date(at)),
            seen=lambda unit, at: to_book(unit.sharing_ids(local_date(at))),
        ),
        WorkList(
            "awaiting-result",
            "Avvakta",
            "Ett svar avgör vad som händer härnäst.",
            "Inget att bevaka.",
            "watch_until",
            ("Bevakas senast", "Väntar på", "Besök", "Vårdåtagande", "Ansvarig"),
            _items(AwaitedResult),
            _item_row("awaiting-result"),
            due=lambda rows, at: rows.filter(Q(watch_until__lte=local_date(at)) | Q(status=AwaitedStatus.ARRIVED)),
            owner="responsible",
        ),
        WorkList(
            "missing-follow-up",
            "Saknar återbesök",
            "Utcheckade utan fortsatt planering, fast inget är bokat eller begärt.",
            "Ingen saknar återbesök.",
            "watch_until",
            ("Följs upp senast", "Besök", "Vårdåtagande", "Ansvarig"),
            _items(MissingFollowUp),
            _item_row("missing-follow-up"),
            due=_item_due,
            owner="responsible",
        ),
        WorkList(
            "no-shows",
            "Uteblivna",
            "Patienter som inte kom: ring, ny tid eller avsluta.",
            "Inga uteblivna att följa upp.",
            "watch_until",
            ("Följs upp senast", "Besök", "Vårdåtagande", "Ansvarig"),
            _items(NoShowItem),
            _item_row("no-shows"),
            due=_item_due,
            owner="responsible",
        ),
        WorkList(
            "rebooking",
            "Ombokningar",
            "Bokningar under frånvaro eller stängt: vårdgivaren bokar om eller avbokar.",
            "Inga bokningar att boka om.",
            "watch_until",
            ("Bokas om senast", "Bokad tid", "Besök", "Frånvaro", "Ansvarig"),
            _items(RebookingItem),
            _rebooking_row,
            due=_item_due,
            owner="responsible",
        ),
        WorkList(
            "open-invitations",
            "Öppna kallelser",
            "Patienter som ska boka själva. De väntar kvar i Bokningsbegäran eller Att boka tills de har en tid (PL-26).",
            "Inga öppna kallelser att bevaka.",
            "last_day",
            ("Sista dag", "Skickad", "Brevet", "Besökstyp", "Väntar i"),
            lambda unit, at: OpenInvitation.objects.waiting().filter(care_unit=unit),
            invitation_row,
            due=lambda rows, at: rows.filter(last_day__lt=local_date(at)),
            seen=lambda unit, at: OpenInvitation.objects.waiting().filter(care_unit=unit).with_letter(),
        ),
        WorkList(
            "awaiting-check-out",
            "Ej utcheckade",
            "Besök som har börjat och ska checkas ut för hand.",
            "Alla besök är utcheckade.",
            "start",
            ("Kom", "Besökstyp", "Vårdkontaktsorsak", "Vårdåtagande"),
            lambda unit, at: Encounter.objects.awaiting_check_out().filter(care_unit=unit),
            _awaiting_check_out_row,
            due=lambda rows, at: rows.filter(start__lt=start_of_day(local_date(at))),
        ),
        WorkList(
            "cancelled-not-ended",
            "Avbokade som inte är avslutade",
            "Avbokade med journal eller kassa: de annulleras inte, utan avslutas för hand.",
            "Inga avbokade att avsluta.",
            "start",
            ("Var bokad", "Avbokad", "Besökstyp"),
            lambda unit, at: Encounter.objects.cancelled_not_ended().filter(care_unit=unit),
            _cancelled_not_ended_row,
            due=lambda rows, at: rows,
        ),
        WorkList(
            "broken-promises",
            "Utan planering",
            "Öppna vårdåtaganden där inget säger vad som händer härnäst (UT-07). Listan ska vara tom.",
            "Alla öppna vårdåtaganden har en planering.",
            "opened_on",
            ("Öppnat", "Vårdåtagande"),
            lambda unit, at: promises.broken(at=at).filter(care_unit=unit),
            _broken_row,
            due=lambda rows, at: rows,
        ),
        WorkList(
            "list-faults",
            "Fel i väntelistan",
            "Vad listans dagliga kontroll har hittat (PL-11). Ett fel försvinner när raden är rätt.",
            "Väntelistan är utan fel.",
            "found_on",
            ("Fel", "Gör så här", "Rad", "Gäller", "Datum", "Ansvarig"),
            lambda unit, at: faults.standing(ListFault.objects.open().filter(care_unit=unit), at=at),
            fault_row,
            due=lambda rows, at: rows,
            owner="owner",
        ),
    )
}

# What the words of an item's absence need, and of a row's page, loaded with it.
ABSENCE_DETAILS = ("absence__resource__practitioner", "absence__care_unit")
DETAILS = {
    "to-book": ("patient", "problem_code"),
    "awaiting-result": (*_ITEM_DETAILS, "reason"),
    "missing-follow-up": _ITEM_DETAILS,
    "no-shows": _ITEM_DETAILS,
    "rebooking": (*_ITEM_DETAILS, "appointment", *ABSENCE_DETAILS, "resource", "session", "contact__care_unit"),
    "open-invitations": ("patient", "visit_type", "referral"),
    "awaiting-check-out": ("patient", "type", "visit_type", "contact_reason", "commitment__problem_code"),
    "cancelled-not-ended": ("patient", "type", "visit_type"),
    "broken-promises": ("patient", "problem_code"),
    "list-faults": ("patient", "owner", "booking_request__visit_type", "referral"),
}


def rows_of(work_list, unit, *, at, owner=None):
    """The list's rows at the unit with all that a row shows; `owner` keeps one user's own."""
    rows = (
        (work_list.seen or work_list.rows)(unit, at)
        .select_related(*DETAILS[work_list.name])
        .prefetch_related(with_identities())
    )
    if work_list.name in SUBJECTS:
        rows = with_attempts(rows, SUBJECTS[work_list.name])
    return rows.filter(**{work_list.owner: owner}) if owner else rows


def postponed(item, today):
    """The day that is proposed when an item is postponed: a week on from its day, or from today where it is late; of a
    booking to move at the latest its own day."""
    week_on = min(max(item.watch_until, today), date.max - POSTPONE) + POSTPONE
    return min(week_on, max(today, local_date(item.appointment.start))) if hasattr(item, "appointment") else week_on


# --- Start page ---------------------------------------------------------------------------------------------------------


class Overview(NamedTuple):
    """A list on the start page: how many rows, and how many of them are due today or late."""

    name: str
    heading: str
    about: str
    url: str
    count: int
    due: int


def overview(actor, unit, *, at):
    """Every list with its counts, in one statement."""
    wanted = {}
    for each in LISTS.values():
        rows = each.rows(unit, at)
        wanted[each.name] = rows
        if each.due:
            wanted[f"{each.name} due"] = each.due(rows, at)
    for name, (rows_at, due) in OTHERS.items():
        wanted[name] = rows_at(unit, at)
        wanted[f"{name} due"] = due(wanted[name], at)
    counted = counts(unit, wanted)
    found = [
        Overview(
            each.name,
            each.heading,
            each.about,
            reverse("work-list", args=[each.name]),
            counted[each.name],
            counted.get(f"{each.name} due", 0),
        )
        for each in LISTS.values()
    ]
    return [*_linked(actor, counted), *found]


# The lists that have pages of their own: the unit's rows, and which of them are due.
OTHERS = {
    "booking-requests": (
        lambda unit, at: BookingRequest.objects.waiting().filter(care_unit=unit),
        lambda rows, at: rows.filter(wished_to__lte=local_date(at)),
    ),
    "referrals": (
        lambda unit, at: Referral.objects.undecided().filter(care_unit=unit),
        lambda rows, at: rows.filter(due_on__lte=local_date(at)),
    ),
    "freed-times": (
        lambda unit, at: FreedTime.objects.usable(at).filter(care_unit=unit),
        lambda rows, at: rows.filter(start__lt=start_of_day(local_date(at) + POSTPONE)),
    ),
    "coding": (
        lambda unit, at: Encounter.objects.to_code().filter(care_unit=unit),
        lambda rows, at: rows.filter(end__lt=start_of_day(local_date(at))),
    ),
}


def _linked(actor, counted):
    """Lists that have pages of their own elsewhere."""
    pages = (
        (
            "booking-requests",
            "Bokningsbegäran",
            "Väntar på att få en tid.",
            "booking-requests",
            Permission.VIEW_WORK_LISTS,
        ),
        ("referrals", "Remisshantering", "Remisser som ingen har beslutat om.", "referrals", Permission.VIEW_REFERRALS),
        (
            "freed-times",
            "Frigjorda tider",
            "Avbokade tider som någon som väntar kan få.",
            "freed-times",
            Permission.BOOK,
        ),
        ("coding", "Klassificering", "Avslutade kontakter som inte är klassificerade.", "coding", Permission.CODE),
    )
    return [
        Overview(name, heading, about, address(page), counted[name], counted[f"{name} due"])
        for name, heading, about, page, permission in pages
        if actor.may(permission) and address(page)
    ]


def counts(unit, wanted):
    """How many rows each queryset holds at the unit: name → number, in one statement whatever their tables."""
    annotations = {}
    for place, rows in enumerate(wanted.values()):
        one = rows.order_by().filter(care_unit=OuterRef("pk")).values("care_unit").annotate(n=Count("pk")).values("n")
        annotations[f"n{place}"] = Coalesce(Subquery(one), 0)
    found = CareUnit.objects.filter(pk=unit.pk).annotate(**annotations).values(*annotations).get()
    return dict(zip(wanted, found.values(), strict=True))


def due_count(unit, names, *, at):
    """How many rows of the lists are due today or late, summed, in one statement: the number in the menu."""
    lists = {name: OTHERS.get(name) or (LISTS[name].rows, LISTS[name].due) for name in names}
    wanted = {name: due(rows_at(unit, at), at) for name, (rows_at, due) in lists.items()}
    return sum(counts(unit, wanted).values())


def broken_promises(unit, *, at):
    """How many open vårdåtaganden of the unit lack planning (UT-07)."""
    return promises.broken(at=at).filter(care_unit=unit).count()
