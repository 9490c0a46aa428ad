"""What is told to patients outside, read when it leaves: what has been changed, stopped, or come to concern somebody dead or
protected is not told, nor anything of a visit that has been (PL-18, PL-22, SK-05). The outbox holds ids alone, and the code
of why something was not told."""

from dataclasses import dataclass

from django.db.models import OuterRef, Q

from registration.models import (
    IdentityKind,
    Patient,
    PatientIdentity,
    PatientPhone,
    PortalContact,
    ReferralStatus,
    SmsWording,
)
from scheduling import first_bookings
from scheduling.letter_composition import told_status
from scheduling.models import (
    Appointment,
    AppointmentStatus,
    BookingRequest,
    Delivery,
    Letter,
    LetterLanguage,
    LetterPart,
    LetterStatus,
    LetterText,
    Reminder,
)
from scheduling.models.enclosure import IN_ORDER
from scheduling.models.letter import ABOUT_A_WAIT
from scheduling.models.work import WAITING_REQUESTS
from scheduling.rules import invitation_letter_refusal, referral_letter_refusal, wait_letter_refusal
from sdv.common.dates import long_date
from sdv.common.time import local, local_date
from sdv.outbox.delivery import NotTold
from sdv.outbox.models import OutboxMessage, Topic

HAS_BEEN = "visit_has_been"
# Why a letter did not go to 1177, by the code that its message keeps.
WHY_NOT_IN_PORTAL = {
    HAS_BEEN: "besöket hade redan varit när brevet skulle läggas där",
    "outdated": "det som brevet säger gäller inte längre",
    "not_in_portal": "patienten är inte längre med i 1177",
    "no_personnummer": "patientens huvudidentitet är inte ett personnummer, och 1177 tar inte emot till andra",
    "not_to_be_told": "patienten var registrerad som avliden eller hade skyddade personuppgifter",
}


def not_in_portal_words(code):
    """The sentence of why a letter did not go to 1177."""
    return f"Brevet lades inte i 1177: {WHY_NOT_IN_PORTAL[code]}."


def why_not_in_portal(letter):
    """The sentence of why the letter did not go to 1177, where its message was stopped for that; else an empty text."""
    stopped = OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL, subject_id=letter.pk, stopped_at__isnull=False, last_error__in=WHY_NOT_IN_PORTAL
    ).first()
    return not_in_portal_words(stopped.last_error) if stopped else ""


@dataclass(frozen=True)
class Sms:
    """A text to a number that the patient has allowed."""

    number: str
    text: str


@dataclass(frozen=True)
class PortalLetter:
    """A letter for the patient's own inbox in 1177: the same words as on paper, and the same files byte for byte."""

    identity: str
    heading: str
    body: str
    written_on: str
    files: tuple = ()


@dataclass(frozen=True)
class PortalFile:
    """A file that goes with it."""

    name: str
    sha256: str
    pdf: bytes


def sms_text(*, start, wording, unit="", phone=""):
    """What a reminder says. The usual one tells day, time and that it is care, no clinic, and where to see more; the
    clinic's name only where the patient has chosen it (PL-18)."""
    day = long_date(local_date(start)).rpartition(" ")[0]
    when = f"{day} kl. {local(start):%H.%M}"
    if wording != SmsWording.PLACE:
        return f"Påminnelse: du har en tid i vården {when}. Logga in på 1177.se för att se mer."
    end = f"ring {phone} om du inte kan komma." if phone else "logga in på 1177.se om du inte kan komma."
    return f"Påminnelse: du har en tid på {unit} {when}. {end[0].upper()}{end[1:]}"


def _may_be_told(patient_id):
    return Patient.objects.present().filter(pk=patient_id, protection="", deceased_on=None).exists()


def reminder(appointment_id, *, at, reminder_id=None):
    """The SMS of a reminder as things are at `at`. Raises NotTold where nothing is to be told any more, or where another
    reminder tells of the time as it has become."""
    row = Appointment.objects.filter(pk=appointment_id, status=AppointmentStatus.BOOKED)
    appointment = row.select_related("care_unit").first()
    if appointment is None:
        raise NotTold("not_booked")
    if appointment.start <= at:
        raise NotTold(HAS_BEEN)
    if not _may_be_told(appointment.patient_id):
        raise NotTold("not_to_be_told")
    if not appointment.care_unit.sends_reminders:
        raise NotTold("unit_sends_none")
    if (
        reminder_id
        and Reminder.objects.filter(Q(pk=reminder_id) & ~Q(start=appointment.start) | Q(replaces=reminder_id)).exists()
    ):
        raise NotTold("moved")
    numbers = PatientPhone.objects.filter(
        patient=appointment.patient_id, kind="mobile", sms_consent_at__isnull=False
    ).order_by("-is_preferred", "id")
    phone = numbers.first()
    if phone is None:
        raise NotTold("no_consent")
    own = LetterText.objects.valid_on(local_date(at)).filter(
        care_unit=appointment.care_unit_id, part=LetterPart.PHONE, language=LetterLanguage.SWEDISH
    )
    told = own.first()
    text = sms_text(
        start=appointment.start,
        wording=phone.sms_wording,
        unit=appointment.care_unit.name,
        phone=told.text if told else "",
    )
    return Sms(phone.number, text)


def has_been(letter, at):
    """Whether the visit that the letter tells of has begun: it would come too late, on paper and in 1177 alike (PL-18)."""
    return letter.appointment is not None and letter.appointment.start <= at


def outdated_refusal(letter):
    """Why the letter says what is no longer so, of an öppen kallelse, a remiss or one who waits, or None (PL-26, VA-03,
    KA-01): on paper and in 1177 alike."""
    if letter.kind in ABOUT_A_WAIT:
        row = letter.booking_request or letter.referral
        if row.care_unit_id != letter.care_unit_id:
            return wait_letter_refusal(waits=False, label="övertagen av en annan enhet")
        return no_longer_waits(row, is_booked=getattr(letter, "remiss_is_booked", None))
    if about := letter.open_invitation:
        return invitation_letter_refusal(status=about.status, label=about.get_status_display())
    if about := letter.referral:
        told = told_status(letter.parts)
        return referral_letter_refusal(status=about.status, label=about.get_status_display(), told=told)
    return None


def with_what_has_become(letters):
    """The letters with what `outdated_refusal` asks about the remiss of each, in the letters' own query."""
    return letters.annotate(remiss_is_booked=first_bookings.is_booked(OuterRef("referral")))


def no_longer_waits(row, *, is_booked=None):
    """Why nothing is written to the patient of the bokningsbegäran or the remiss as to one who waits for a time, or None.
    `is_booked`: whether the remiss has a time, where it is known."""
    if isinstance(row, BookingRequest):
        return wait_letter_refusal(waits=row.status in WAITING_REQUESTS, label=row.get_status_display())
    if row.status != ReferralStatus.ACCEPTED:
        return wait_letter_refusal(waits=False, label=row.get_status_display())
    if is_booked is None:
        is_booked = first_bookings.of(row.pk) is not None
    return wait_letter_refusal(waits=not is_booked, label="bokad")


def portal_letter(letter_id, *, at):
    """The letter as it goes to 1177 at `at`. Raises NotTold where it shall not go any more."""
    letter = Letter.objects.filter(
        pk=letter_id,
        delivery__in=[Delivery.PORTAL, Delivery.BOTH],
        status__in=[LetterStatus.UNSENT, LetterStatus.PRINTED],
    )
    letter = letter.select_related("appointment", "open_invitation", "referral", "booking_request").first()
    if letter is None:
        raise NotTold("not_waiting")
    if not _may_be_told(letter.patient_id):
        raise NotTold("not_to_be_told")
    if has_been(letter, at):
        raise NotTold(HAS_BEEN)
    if outdated_refusal(letter):
        raise NotTold("outdated")
    if not PortalContact.objects.filter(patient=letter.patient_id).exists():
        raise NotTold("not_in_portal")
    identity = PatientIdentity.objects.filter(
        patient=letter.patient_id, is_primary=True, kind=IdentityKind.PERSONNUMMER
    ).first()
    if identity is None:
        raise NotTold("no_personnummer")
    enclosed = letter.enclosures.select_related("attachment").order_by(*IN_ORDER)
    files = tuple(PortalFile(row.attachment.name, row.attachment.sha256, bytes(row.attachment.pdf)) for row in enclosed)
    return PortalLetter(identity.value, letter.heading, letter.body, local_date(letter.created_at).isoformat(), files)
