"""What is told to patients outside, read when it leaves: what has been changed, stopped, or come to concern somebody dead or
protected is not told (PL-18, PL-22, SK-05). The outbox holds ids alone."""

from dataclasses import dataclass

from registration.models import IdentityKind, Patient, PatientIdentity, PatientPhone, SmsWording
from scheduling.letter_composition import told_status
from scheduling.models import (
    Appointment,
    AppointmentStatus,
    Delivery,
    Letter,
    LetterLanguage,
    LetterPart,
    LetterStatus,
    LetterText,
)
from scheduling.models.enclosure import IN_ORDER
from scheduling.rules import referral_letter_refusal
from sdv.common.dates import long_date
from sdv.common.time import local, local_date


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


def reminder(appointment_id, *, at):
    """The SMS of a reminder as things are at `at`, or None where nothing is to be told any more."""
    row = Appointment.objects.filter(pk=appointment_id, status=AppointmentStatus.BOOKED, start__gt=at)
    appointment = row.select_related("care_unit").first()
    if appointment is None or not _may_be_told(appointment.patient_id):
        return None
    numbers = PatientPhone.objects.filter(
        patient=appointment.patient_id, kind="mobile", sms_consent_at__isnull=False
    ).order_by("-is_preferred", "id")
    phone = numbers.first()
    if phone is None:
        return None
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


def _is_outdated(letter):
    """Whether a remissbekräftelse says what is no longer so (VA-03)."""
    if letter.referral is None:
        return False
    status = letter.referral.status
    told = told_status(letter.parts)
    return referral_letter_refusal(status=status, label=letter.referral.get_status_display(), told=told) is not None


def portal_letter(letter_id):
    """The letter as it goes to 1177, or None where it shall not go any more."""
    letter = Letter.objects.filter(
        pk=letter_id,
        delivery__in=[Delivery.PORTAL, Delivery.BOTH],
        status__in=[LetterStatus.UNSENT, LetterStatus.PRINTED],
    )
    letter = letter.select_related("referral").first()
    if letter is None or not _may_be_told(letter.patient_id) or _is_outdated(letter):
        return None
    identity = PatientIdentity.objects.filter(
        patient=letter.patient_id, is_primary=True, kind=IdentityKind.PERSONNUMMER
    ).first()
    if identity is None:
        return None
    enclosed = letter.enclosures.select_related("attachment").order_by(*IN_ORDER)
    files = tuple(PortalFile(row.attachment.name, row.attachment.sha256, bytes(row.attachment.pdf)) for row in enclosed)
    return PortalLetter(identity.value, letter.heading, letter.body, local_date(letter.created_at).isoformat(), files)
