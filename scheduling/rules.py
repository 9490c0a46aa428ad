"""What may be booked, cancelled and checked out, and why not (BO-*, UT-*, VH-11). Pure: facts in, reason or None out."""

from datetime import timedelta

from registration.lifecycle import counts_as_no_show
from sdv.common.errors import RuleError
from sdv.common.time import local, local_date

HOLD_TIME = timedelta(minutes=2)
OFFER_TIME = timedelta(hours=24)
# So long a row is taken to be worked with after it was opened.
ROW_LOCK_TIME = timedelta(minutes=15)
# So far ahead somebody may be left to be watched or called.
LONGEST_WATCH = timedelta(days=2 * 366)
SHORTEST_OFFER = timedelta(minutes=10)
# How long an Avvakta, a Saknar återbesök and a no-show item wait before they are late, where nobody says otherwise.
AWAIT_DAYS = 21
MISSING_FOLLOW_UP_DAYS = 7
NO_SHOW_DAYS = 7
# A booking that an absence hits is moved within these days, and before its own day (PL-02).
REBOOKING_DAYS = 3
# How long an öppen kallelse may leave the patient to book, and what is proposed (PL-26).
INVITATION_DAYS, USUAL_INVITATION_DAYS = 366, 28
LONGEST_ABSENCE = timedelta(days=731)
# Visits planned together at once: a year, week by week (PL-08).
MOST_IN_PLAN = 52
# Who did it may take back a contact attempt that long (PL-13).
UNDO_TIME = timedelta(minutes=5)


def clock(moment):
    """A time as sentences say it: 2026-11-21 kl. 09.45."""
    return local(moment).strftime("%Y-%m-%d kl. %H.%M")


def time_refusal(*, start, end, at):
    """PL-23: today's times can be booked until they end; nothing is booked in the past or backwards."""
    if end <= start:
        return RuleError("BO-01", "Sluttiden ska ligga efter starttiden. Rätta tiden.", code="invalid_time")
    if end <= at:
        return RuleError("PL-23", f"Tiden {clock(start)} har passerat. Välj en senare tid.", code="in_the_past")
    return None


def taken(resource_name, start, *, elsewhere=False):
    """BO-01: one resource is never double-booked, whoever clicks first; a person never at two units (PL-06), of which the
    other is not named."""
    where = " på en annan enhet" if elsewhere else ""
    return RuleError(
        "BO-01",
        f"{resource_name} är redan bokad {clock(start)}{where}. Välj en annan tid.",
        code="slot_taken",
    )


def other_unit_refusal():
    """PL-25: units share a waiting list, never their tidböcker; a time is booked by those with an assignment there."""
    return RuleError(
        "PL-25",
        "Tiden finns inte på någon enhet där du har ett uppdrag som får boka. En delad väntelista delar patienter, inte"
        " tider: be enheten boka, eller välj en av de lediga tiderna i listan.",
        code="other_unit",
    )


def visit_type_not_offered(visit_type_name, unit_name):
    """BT-01: a unit books the besökstyper of its vårdområde that are valid on the day."""
    return RuleError(
        "BT-01",
        f"Besökstypen {visit_type_name} kan inte väljas på {unit_name}: den hör till ett annat vårdområde eller gäller inte"
        " längre. Välj en av enhetens besökstyper.",
        code="visit_type_not_offered",
    )


def outside_hours(resource_name, start):
    """BO-01: a booking takes a time that the resource's tidbok has."""
    return RuleError(
        "BO-01",
        f"{resource_name} har ingen tid i tidboken {clock(start)} för besökstypen. Välj en ledig tid.",
        code="outside_hours",
    )


def not_there(resource, start):
    """BO-01: nothing is booked of a resource before its first day or after its last, however it is asked for."""
    has_begun = resource.valid_from is None or resource.valid_from <= local_date(start)
    days = f"till och med {resource.valid_to}" if has_begun else f"från och med {resource.valid_from}"
    return RuleError(
        "BO-01",
        f"{resource.name} finns på enheten {days} och kan inte bokas {clock(start)}."
        f" Välj en {'tidigare' if has_begun else 'senare'} tid eller en annan resurs.",
        code="not_there",
    )


def absent(resource_name, what, start):
    """PL-02: nothing is booked in an absence or a closure."""
    return RuleError(
        "PL-02",
        f"{resource_name} är inte på plats {clock(start)}: {what}. Välj en annan tid eller en annan vårdgivare.",
        code="absent",
    )


def absence_refusal(*, start, end, at, until=None):
    """PL-02: an absence is always saved, whoever is booked; it must only have a length, and not be over. `until` is when one
    that is changed was to end: who came back earlier has been back since."""
    if end <= start:
        return RuleError("PL-02", "Frånvaron ska sluta efter att den börjat. Rätta tiden.", code="invalid_time")
    if max(end, until or end) <= at:
        return RuleError("PL-02", "Frånvaron är redan över. Ange en tid som inte har passerat.", code="in_the_past")
    if end - start > LONGEST_ABSENCE:
        return RuleError("PL-02", "Ange högst två år åt gången.", code="invalid_time")
    return None


def length_of(visit_type):
    """How long a visit of the type is."""
    return timedelta(minutes=visit_type.default_minutes)


def plan_refusal(*, kind, days):
    """BO-02, PL-08: visits planned together are several; coordinated ones are of one day."""
    if len(days) < 2:
        return RuleError("BO-02", "En plan har minst två besök. Lägg till ett, eller boka det enskilt.", code="too_few")
    if len(days) > MOST_IN_PLAN:
        return RuleError("PL-08", f"Boka högst {MOST_IN_PLAN} besök åt gången.", code="too_many")
    if kind == "coordinated" and len(set(days)) > 1:
        return RuleError(
            "BO-02", "Samordnade besök är samma dag. Boka som en serie, eller välj en gemensam dag.", code="not_one_day"
        )
    return None


def several_units():
    """BO-02: what another unit has booked is not moved or cancelled along with one's own."""
    return RuleError(
        "BO-02",
        "Planen har senare besök på en annan enhet, inget är ändrat. Ändra besöken ett i taget.",
        code="several_units",
    )


def rest_with_another():
    """PL-08: the rest of a plan is moved with the vårdgivare that each visit has."""
    return RuleError(
        "PL-08",
        "Resten av planen flyttas med samma vårdgivare, inget är ombokat."
        " Välj en tid hos besökets vårdgivare, eller boka om besöken ett i taget.",
        code="another_resource",
    )


def seat_is_moved_alone(start):
    """BO-02: a seat is not given up for a time of one's own because other visits of the plan are moved."""
    return RuleError(
        "BO-02",
        f"Besöket {clock(start)} är en plats på ett grupptillfälle. Boka om det för sig, eller flytta de andra ett i taget.",
        code="on_a_session",
    )


def session_full(*, name, start, seats, spare=0):
    """BO-02, PL-06: a session has its seats and no more; what may be overbooked is said."""
    more = f" {spare} till kan överbokas av den som får." if spare else ""
    return RuleError(
        "BO-02",
        f"{name} {clock(start)} är fullt: {seats} av {seats} platser är tagna.{more} Välj ett annat tillfälle.",
        code="session_full",
    )


def session_cancelled(name, start):
    """BO-02: a cancelled session is attended by nobody."""
    return RuleError(
        "BO-02",
        f"{name} {clock(start)} är inställt. Boka om patienten till ett annat tillfälle, eller avboka.",
        code="session_cancelled",
    )


def session_over(name, end):
    """PL-23: a session can be booked until it ends."""
    return RuleError("PL-23", f"{name} slutade {clock(end)}. Välj ett senare tillfälle.", code="in_the_past")


def session_attended():
    """BO-02: a session that somebody has come to, or is told to have missed, stands as it is."""
    return RuleError(
        "BO-02",
        "Någon har redan kommit till tillfället, eller är registrerad som utebliven. Ångra det först.",
        code="arrived",
    )


def on_the_session_already(name, start):
    """BO-02: a patient has one seat on a session."""
    return RuleError("BO-02", f"Patienten är redan bokad på {name} {clock(start)}.", code="already_done")


def fewer_seats_than_taken(taken):
    """BO-02: seats that somebody has are not taken away."""
    return RuleError(
        "BO-02",
        f"{taken} platser är redan tagna. Ange minst så många, eller boka om någon först.",
        code="seats_taken",
    )


def session_overbooking(allowed):
    """PL-06: overbooking is a number per session, where the unit allows it."""
    if allowed:
        return None
    return RuleError(
        "PL-06", "Enheten tillåter inte överbokning. Ange 0 platser för överbokning.", code="no_overbooking"
    )


def offer_expiry(*, start, end, at):
    """PL-01: an offer holds a day, and never longer than until the time begins; a time of today that has begun, ten minutes
    and not beyond its end."""
    return min(max(min(at + OFFER_TIME, start), at + SHORTEST_OFFER), end)


def already_offered(start):
    """PL-01: who waits for one thing is asked about one time."""
    return RuleError(
        "PL-01",
        f"Patienten är redan erbjuden tiden {clock(start)}. Vänta på svaret eller dra tillbaka det erbjudandet.",
        code="already_offered",
    )


def offer_refusal(*, status, is_open):
    """PL-01: an offer is answered once, before it runs out."""
    if is_open:
        return None
    if status == "Erbjuden":
        return RuleError("PL-01", "Erbjudandet har gått ut. Erbjud tiden igen om den är ledig.", code="expired")
    return RuleError("PL-01", f"Erbjudandet är redan besvarat: {status.lower()}.", code="already_done")


def request_worked_with(who, since):
    """PL-27: another works with the begäran, and is named; it can be taken over."""
    return RuleError(
        "PL-27",
        f"{who} arbetar med begäran sedan kl. {local(since):%H.%M}. Ta över den, eller låt {who} göra klart.",
        code="worked_with",
    )


def worked_with(who, since):
    """PL-27: another works with the row, and is named; the row can be taken over."""
    return RuleError(
        "PL-27",
        f"{who} arbetar med en av raderna sedan kl. {local(since):%H.%M}. Ta över den först, eller avmarkera den.",
        code="worked_with",
    )


def day_close_refusal(*, day, today, waiting):
    """PL-04: a day is closed by a person, once everybody booked has come, been missed or been cancelled."""
    if day > today:
        return RuleError("PL-04", "Dagen har inte varit än. Stäng den när den är över.", code="in_the_future")
    if waiting:
        who = "1 bokad patient har" if waiting == 1 else f"{waiting} bokade patienter har"
        return RuleError(
            "PL-04",
            f"{who} varken kommit, uteblivit eller avbokat. Bekräfta de uteblivna, avboka eller vänta in dem.",
            code="not_arrived",
        )
    return None


def booked_on_a_closed_commitment():
    """UT-03: nothing is booked on a closed vårdåtagande, nor comes back to be."""
    return RuleError(
        "UT-03",
        "Vårdåtagandet är avslutat, och besöket har inte varit. Öppna vårdåtagandet igen först, eller boka en ny tid.",
        code="commitment_closed",
    )


def day_closed_already(day):
    """PL-27: who was first."""
    return RuleError("PL-04", f"Dagen {day.isoformat()} är redan stängd.", code="already_done")


def patient_overlap(other_start, other_unit):
    """PL-06: a patient double-booked with him- or herself is a warning, allowed with a reason."""
    return RuleError(
        "PL-06",
        f"Patienten har redan en bokning {clock(other_start)} på {other_unit}."
        " Välj en annan tid, eller boka ändå och ange skälet.",
        code="patient_overlap",
        is_warning=True,
        needs_reason=True,
    )


def reason_refusal(*, is_offered, reason_name, visit_type_name):
    """VO-02: a vårdkontaktsorsak can be chosen only where it is linked."""
    if is_offered:
        return None
    return RuleError(
        "VO-02",
        f"Vårdkontaktsorsaken {reason_name} kan inte väljas för {visit_type_name}."
        " Välj en av de orsaker som visas för besökstypen.",
        code="reason_not_linked",
    )


def cancellation_is_no_show(*, cancelled_by_patient, start, at):
    """VH-11: asked of registration's rule, so that it stands in one place."""
    return counts_as_no_show(cancelled_by_patient=cancelled_by_patient, planned_start=start, at=at)


def dead_no_show_refusal(*, deceased_on, start):
    """AV-02: a booking after the day of the death is cancelled as the provider's doing, never Utebliven, or None."""
    if deceased_on is None or local_date(start) <= deceased_on:
        return None
    return RuleError(
        "AV-02",
        f"Patienten var avliden {deceased_on.isoformat()}, före besöket {clock(start)}. Avboka som vårdgivaren i stället.",
        code="deceased",
    )


def closing_refusal(*, future_bookings, waiting_requests):
    """UT-03, PS-08: a vårdåtagande is not closed while something is booked or waits; they are listed."""
    if not future_bookings and not waiting_requests:
        return None
    parts = [f"bokning {clock(start)}" for start in future_bookings]
    parts += [f"bokningsbegäran {name} från {day.isoformat()}" for name, day in waiting_requests]
    return RuleError(
        "UT-03",
        f"Vårdåtagandet kan inte avslutas: det har {', '.join(parts)}. Avboka eller avsluta dem först.",
        code="planning_left",
    )


def outcome_refusal(*, outcome, has_commitment, has_reason, has_follow_up):
    """UT-02…06: what the chosen outcome needs, or None."""
    if outcome.code == "end_commitment" and not has_commitment:
        return RuleError(
            "UT-03",
            "Besöket har inget öppet vårdåtagande att avsluta. Välj ett annat utfall.",
            code="missing_commitment",
        )
    if outcome.requires_reason and not has_reason:
        rule = "UT-03" if outcome.code == "end_commitment" else "UT-04"
        return RuleError(rule, f"{outcome.name} kräver en orsak. Välj orsak.", code="reason_missing")
    if outcome.code == "follow_up" and not has_follow_up:
        return RuleError(
            "UT-06",
            "Uppföljning behöver besökstyp, vårdkontaktsorsak och tidsintervall. Fyll i dem.",
            code="follow_up_missing",
        )
    return None


def no_visit_to_await():
    """UT-04: an Avvakta watches an answer after a visit."""
    return RuleError(
        "UT-04",
        "Begäran kommer inte ur något besök på enheten, och Avvakta bevakar svaret efter ett besök. Ändra begärt"
        " startdatum, eller avsluta begäran.",
        code="no_visit",
    )


def no_planning_warning():
    """UT-05: no further planning is meant only where a return visit is booked or requested."""
    return RuleError(
        "UT-05",
        "Det finns varken bokning eller bokningsbegäran för ett återbesök."
        " Välj Uppföljning eller Avsluta vårdåtagande, eller behåll valet: då hamnar patienten i Saknar återbesök.",
        code="no_planning",
        is_warning=True,
    )


def attempt_undo_refusal(*, done_by, done_at, undone_at, by, at, may_correct):
    """PL-13: a contact attempt is taken back by who made it within five minutes, later by those who correct."""
    if undone_at is not None:
        return RuleError("PL-13", "Kontaktförsöket är redan ångrat. Läs in listan igen.", code="already_done")
    if may_correct or (done_by == by and at - done_at <= UNDO_TIME):
        return None
    return RuleError(
        "PL-13",
        "Ett kontaktförsök ångras inom fem minuter av den som gjorde det; därefter av koordinator eller support.",
        code="too_late",
    )


def attempt_refusal(*, is_waiting, next_on, today):
    """PL-10: an attempt is made for what still waits, and the next one lies ahead."""
    if not is_waiting:
        return RuleError("PL-10", "Posten väntar inte längre på någon. Läs in listan igen.", code="already_done")
    if next_on is not None and next_on < today:
        return RuleError("PL-10", "Nästa försök ska inte ligga före i dag. Ange ett senare datum.", code="invalid_date")
    return None


def last_day_fault(*, last_day, today):
    """PL-26: the patient has at least a day to book in, and is not left waiting for more than a year. A sentence or ""."""
    if last_day <= today:
        return "Sista dagen att boka ligger efter i dag."
    if last_day > today + timedelta(days=INVITATION_DAYS):
        return f"Sista dagen att boka ligger inom {INVITATION_DAYS} dagar."
    return ""


def already_invited(last_day):
    """PL-26: one öppen kallelse at a time."""
    return RuleError(
        "PL-26",
        f"Patienten har redan en öppen kallelse, sista dag {last_day.isoformat()}. Avsluta den först.",
        code="already_invited",
    )


def remiss_is_booked(rule, start, instead, *, code="already_booked"):
    """BO-01, PL-27: a remiss that has a time is not dealt with as one that nobody has booked."""
    return RuleError(rule, f"Remissen har redan en tid, {clock(start)}. {instead}", code=code)


def invitation_refusal(*, status, label, last_day, today, by_patient=False):
    """PL-26: why the patient may not book from the öppen kallelse, or why it is not to be followed any more; or None. What
    the patient does alone is done by the last day; a person at the unit may book for the patient afterwards too."""
    if status not in ("open", "expired"):
        return RuleError(
            "PL-26", f"Den öppna kallelsen är redan {label.lower()}. Läs in listan igen.", code="already_done"
        )
    if by_patient and (status == "expired" or last_day < today):
        return RuleError(
            "PL-26",
            f"Sista dagen att boka var {last_day.isoformat()}. Ring mottagningen för en tid.",
            code="too_late",
        )
    return None


def referral_letter_refusal(*, status, label, told=None):
    """VA-03, KA-01: why no remissbekräftelse goes out about the remiss, or None. `told` is what a letter that is written
    says that it is: one that has become something else since would tell the patient what is no longer so."""
    if status in ("used", "closed"):
        return RuleError(
            "VA-03",
            f"Remissen är {label.lower()}: ingen remissbekräftelse skickas om den. Stoppa brevet om det väntar.",
            code="wrong_status",
        )
    if told is not None and told != status:
        return RuleError(
            "VA-03",
            f"Remissen är nu {label.lower()}, och det säger inte brevet. Stoppa det och skriv en ny remissbekräftelse.",
            code="outdated",
        )
    return None


def wait_letter_refusal(*, waits, label):
    """KA-01, PL-10: why nothing is written any more to the patient as to one who waits for a time; or None. `label` is what
    has become of the bokningsbegäran or the remiss."""
    if waits:
        return None
    return RuleError(
        "KA-01",
        f"Patienten väntar inte längre på en tid här ({label.lower()}): brevet skickas inte. Stoppa det om det väntar.",
        code="outdated",
    )


def written_today(kind, who, moment):
    """PL-27: somebody else has written the same letter today, and is named."""
    return RuleError(
        "PL-27",
        f"{kind} till patienten skrevs redan kl. {local(moment):%H.%M} av {who}. Vänta till i morgon, eller ändra det brevet.",
        code="already_written",
    )


def invitation_letter_refusal(*, status, label):
    """PL-26: why no letter says any more to book from the öppen kallelse; or None. After its last day it asks for what the
    patient can no longer do."""
    if status == "open":
        return None
    instead = "Skicka en ny öppen kallelse." if status == "expired" else "Stoppa brevet om det väntar."
    return RuleError(
        "PL-26",
        f"Den öppna kallelsen är {label.lower()}: inget brev skickas om den. {instead}",
        code="too_late" if status == "expired" else "already_done",
    )
