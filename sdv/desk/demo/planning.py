"""What shows how the work is planned in the practice region: öppna kallelser, times that have been offered, saved views, days
that are closed, a leaflet that goes with letters (PL-01, PL-04, PL-26, BB-01)."""

import hashlib
from datetime import time, timedelta

from registration.actions import waiting_room
from registration.models import WaitingScreen
from scheduling import days, slots
from scheduling.actions import day_close, invitations, letters, offers, working
from scheduling.models import BookingRequest, BookingRequestStatus, Letter, LetterAttachment
from sdv.common.errors import RuleError
from sdv.common.time import at_local, start_of_day
from sdv.flows import cancellation
from sdv.organisation.models import SharedList

from .letters import SOURCE

# (days since it was sent, days to book in, whether the letter has been printed): two have run out.
INVITED = ((35, 28, True), (0, 28, False), (12, 28, True), (22, 21, True), (3, 21, True))
VIEWS = (
    ("Försenade", {"status": "late"}, True, True),
    ("Utan önskad resurs", {"resurs": "ingen"}, True, False),
    ("Uppföljningsbegäran", {"status": "follow_up"}, False, False),
)

# Two vårdcentraler whose waiting lists are one.
SHARED_LIST, SHARED_BY = "Bryggan och Ekbacken", ("bryggan", "ekbacken")


# What is typed on /skarm/ in the practice environment.
SCREEN_CODE = "DEMO-DEMO-DEMO-DEMO"


def share_a_list(story):
    """Last of all, so that what has been told before is each unit's own (PL-25)."""
    shared = SharedList.objects.create(name=SHARED_LIST)
    for key in SHARED_BY:
        shared.units.create(care_unit=story.region.units[key].row)


def hang_up_a_screen(story):
    """A screen in one waiting room, before today's patients arrive: they get numbers (PL-17)."""
    WaitingScreen.objects.create(
        care_unit=story.region.units["bryggan"].row, name="Väntrummet", digest=waiting_room.digest(SCREEN_CODE)
    )


def fill(story):
    """Each of it for the units that are tried most."""
    leaflet = _leaflet()
    for key in ("bryggan", "medicin"):
        unit = story.region.units[key]
        _offer(story, unit)
        _invite(story, unit, leaflet)
        for name, filters, is_shared, is_default in VIEWS:
            working.save_view(
                care_unit=unit.row,
                name=name,
                filters=filters,
                is_shared=is_shared,
                is_default=is_default and key == "bryggan",
                by=story.coordinator,
                at=story.at,
            )
    invitations.expire_due(at=story.at)
    _close_days(story)


def _invite(story, unit, leaflet):
    """Some of those who wait are to book themselves; the oldest have not."""
    waiting = BookingRequest.objects.filter(
        care_unit=unit.row,
        status=BookingRequestStatus.OPEN,
        patient__deceased_on=None,
        patient__merged_into=None,
        open_invitations=None,
    )
    rows = list(waiting.order_by("wished_to", "id")[: len(INVITED)])
    for row, (ago, length, is_printed) in zip(rows, INVITED, strict=False):
        sent = at_local(story.today - timedelta(days=ago), time(9, 5)) if ago else story.at
        try:
            made = invitations.invite(
                subject="booking_request",
                row_id=row.pk,
                last_day=story.today + timedelta(days=length - ago),
                own_text="Vill du hellre ha ett telefonsamtal, säg det när du bokar." if ago == 12 else "",
                attachment_ids=[leaflet.pk] if ago in (0, 3) else (),
                by=story.coordinator,
                at=sent,
            )
        except RuleError:
            # Died or became protected in the story.
            continue
        letter = Letter.objects.get(pk=made.letters_written[0].pk)
        if is_printed and letter.status == "unsent" and letter.delivery != "portal":
            letters.confirm_printed(letter_id=letter.pk, by=story.reception, at=sent)


def _offer(story, unit):
    """A time that somebody has cancelled is offered to one who waits, and held until the answer."""
    waiting = BookingRequest.objects.filter(
        care_unit=unit.row, status=BookingRequestStatus.OPEN, patient__deceased_on=None, open_invitations=None
    )
    for request in waiting.select_related("visit_type").order_by("wished_to", "id")[:10]:
        found = slots.next_free(
            care_unit=unit.row,
            visit_type=request.visit_type,
            at=story.at,
            start=start_of_day(story.today + timedelta(days=2)),
            resource_ids=[request.wished_resource_id] if request.wished_resource_id else None,
            count=1,
        )
        if not found:
            continue
        (slot,) = found
        try:
            _cancelled(story, unit, request.visit_type, slot)
            offers.make(
                subject="booking_request",
                row_id=request.pk,
                resource_id=slot.resource.pk,
                start=slot.start,
                by=story.coordinator,
                at=story.at,
            )
        except RuleError:
            continue
        return


def _cancelled(story, unit, visit_type, slot):
    """Somebody had the time, and has rung to say that it did not suit."""
    patient = story.patient(unit.row.kind, story.today)
    if unit.row.is_primary_care and patient is not None:
        had = story.book(unit, visit_type, slot.resource, patient, slot.start, booked_at=story.at)
        cancellation.cancel(
            appointment_id=had.pk, cancelled_by="patient", reason="Tiden passade inte", by=story.reception, at=story.at
        )


def _close_days(story):
    """Every day is closed but the last: somebody has still to look at it."""
    open_days = {}
    for unit_id, day in days.unclosed(at=story.at):
        open_days.setdefault(unit_id, []).append(day)
    units = {unit.row.pk: unit.row for unit in story.region.units.values()}
    for unit_id, found in open_days.items():
        for day in found[:-1]:
            try:
                day_close.close(care_unit=units[unit_id], day=day, by=story.reception, at=story.at)
            except RuleError:
                # Somebody booked has neither come nor been missed: that is what the page is for.
                continue


def _leaflet():
    """A map, as a PDF of a few lines."""
    pdf = pdf_of(["Så hittar du till oss", "", "Buss 4 till Storgatan.", "Parkering finns bakom huset.", "Uppfunnen."])
    return LetterAttachment.objects.create(
        name="Karta och vägbeskrivning", pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), source=SOURCE
    )


def pdf_of(lines):
    """The lines as the smallest PDF that shows them, of objects written by hand: nothing outside is needed for it."""
    escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    words = (
        b"BT /F1 16 Tf 72 760 Td 24 TL "
        + b" ".join(b"(" + line.encode("cp1252") + b") Tj T*" for line in escaped)
        + b" ET"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (sv) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(words), words),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
