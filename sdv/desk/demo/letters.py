"""Brev of the invented region: texts of units and orsaker, numbers that allow SMS, kallelser that wait for paper, have been
printed, or lack something (KA-01…05, PL-18). Numbers are of the series that PTS keeps for invention."""

from datetime import timedelta

from registration.actions import contact
from registration.models import AddOn, ContactReason, Referral, ReferralStatus
from scheduling.actions import letters, wait_letters
from scheduling.models import Appointment, LetterPart, LetterText
from scheduling.models.letter import ABOUT_A_WAIT
from sdv.common.errors import RuleError

SOURCE = "Uppfunnen för övningsmiljön"
# Vårdkontaktsorsak → (why, what to do before, good to know).
WORDS = {
    "bedomning-ospecificerad": ("Du har fått en tid för att vi ska bedöma dina besvär.", "", ""),
    "uppfoljning-ospecificerad": ("Du har fått en tid för att följa upp hur det har gått.", "", ""),
    "undersokning-ospecificerad": (
        "Du har fått en tid för en undersökning.",
        "Ta dina mediciner som vanligt.",
        "Undersökningen tar ungefär en halvtimme.",
    ),
    "behandling-ospecificerad": ("Du har fått en tid för behandling.", "Kom i kläder som är lätta att ta av.", ""),
}
ADD_ONS = {
    "provtagning": "Lämna prov på laboratoriet en halvtimme före besöket.",
    "tolk": "En tolk är med vid besöket.",
}
WAITING, PRINTED, WITH_SMS = 12, 6, 40


def fill(story):
    """Texts first, then what is written of them."""
    _texts(story)
    _numbers(story)
    _kallelser(story)
    _receipts(story)
    _to_who_waits(story)


def _texts(story):
    rows = []
    for number, unit in enumerate(story.region.units.values(), 1):
        said = {
            LetterPart.PHONE: f"040-628 04 {number:02d}",
            LetterPart.OPENING: "Vi svarar vardagar kl. 08.00–16.00.",
            LetterPart.DIRECTIONS: f"{unit.row.facility.name}, Påhittade gatan {number}\nAnmäl dig i receptionen.",
            LetterPart.RETURN_ADDRESS: f"{unit.row.facility.care_provider.name}\nBox {number}, 123 45 Åsby",
        }
        rows += [LetterText(part=part, care_unit=unit.row, text=text, source=SOURCE) for part, text in said.items()]
    parts = (LetterPart.WORDING, LetterPart.PREPARATION, LetterPart.INFORMATION)
    for reason in ContactReason.objects.filter(code__in=WORDS):
        rows += [
            LetterText(part=part, contact_reason=reason, text=text, source=SOURCE)
            for part, text in zip(parts, WORDS[reason.code], strict=True)
            if text
        ]
    for add_on in AddOn.objects.filter(code__in=ADD_ONS):
        rows.append(LetterText(part=LetterPart.ADD_ON, add_on=add_on, text=ADD_ONS[add_on.code], source=SOURCE))
    LetterText.objects.bulk_create(rows)


def _numbers(story):
    """Patients who have said yes to SMS, some of them to the clinic's name as well (PL-18)."""
    found = [row for row in story.everyone if not row.is_protected and not row.is_deceased]
    for number, patient in enumerate(found[: story.some(WITH_SMS)]):
        try:
            contact.add_phone(
                patient_id=patient.pk,
                number=f"070-174 06 {5 + number % 95:02d}",
                allows_sms=True,
                sms_wording="place" if number % 5 == 0 else "time",
                by=story.reception,
                at=story.at,
            )
        except RuleError:
            # Died or became protected in the story.
            continue


def _kallelser(story):
    """For bookings ahead: the first are on paper, the rest wait."""
    for key in ("bryggan", "medicin"):
        coming = Appointment.objects.future(story.at).filter(
            care_unit=story.region.units[key].row, patient__deceased_on=None, patient__merged_into=None
        )
        for number, pk in enumerate(coming.order_by("start", "id").values_list("pk", flat=True)[:WAITING]):
            written = letters.write_about(appointment_id=pk, by=story.reception, at=story.at)
            if number < PRINTED and written[0].status == "unsent" and written[0].delivery != "portal":
                letters.confirm_printed(letter_id=written[0].pk, by=story.reception, at=story.at)


def _receipts(story):
    """Remissbekräftelser of what was decided at the specialist clinic: one a decision."""
    clinic = story.region.units["medicin"].row
    living = Referral.objects.filter(care_unit=clinic, patient__deceased_on=None, patient__merged_into=None)
    for status in (ReferralStatus.RECEIVED, ReferralStatus.ACCEPTED, ReferralStatus.RETURNED, ReferralStatus.REJECTED):
        if referral := living.filter(status=status).order_by("id").first():
            letters.write_of_referral(referral_id=referral.pk, by=story.reception, at=story.at)


def _to_who_waits(story):
    """To those last in the list of the specialist clinic, yesterday: one that the patient waits, one to call (PL-10)."""
    clinic = story.region.units["medicin"].row
    living = clinic.booking_requests.waiting().filter(patient__deceased_on=None, patient__merged_into=None)
    for kind, row in zip(ABOUT_A_WAIT, living.order_by("-wished_to", "id"), strict=False):
        wait_letters.write(
            subject="booking_request", row_id=row.pk, kind=kind, by=story.reception, at=story.at - timedelta(days=1)
        )
