"""The fixed words of letters, per language: headings, labels of facts, how a day is said. Pure. What is not fixed stands in
the catalogue Kallelsetexter (KA-03); a language is complete when it is in both."""

from dataclasses import dataclass

from registration.models import ContactForm
from scheduling.models import LetterKind, LetterLanguage, LetterPart
from sdv.common.dates import long_date
from sdv.common.time import local, local_date

P = LetterPart
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def _english_day(day):
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


@dataclass(frozen=True)
class Words:
    """One language's fixed words."""

    name: str
    headings: dict
    sections: dict
    forms: dict
    at: str
    day: object
    # Said beside the heading of a section that is not written in the language.
    only_swedish: str
    when: str
    new_time: str
    earlier_time: str
    cancelled_time: str
    where: str
    how: str
    meets: str
    interpreter: str
    book_by: str
    referral_came: str
    expected_by: str
    enclosed: str

    def moment(self, moment):
        """Tuesday 1 December 2026 at 09.45, on Stockholm's clock."""
        return f"{self.day(local_date(moment))} {self.at} {local(moment):%H.%M}"


WORDS = {
    LetterLanguage.SWEDISH: Words(
        name="svenska",
        headings={
            LetterKind.APPOINTMENT: "Du har fått en tid",
            LetterKind.CHANGE: "Din tid är ändrad",
            LetterKind.CANCELLATION: "Din tid är avbokad",
            LetterKind.OPEN_INVITATION: "Boka en tid hos oss",
            LetterKind.REFERRAL_RECEIPT: "Besked om din remiss",
            LetterKind.WAITING: "Du väntar på en tid hos oss",
            LetterKind.CALL_US: "Ring oss för att få en tid",
        },
        sections={
            P.PREPARATION: "Förbered dig så här",
            P.INFORMATION: "Bra att veta",
            P.DIRECTIONS: "Hitta hit",
            P.OPENING: "När du kan ringa",
            P.CANCEL: "Om du inte kan komma",
            P.FEE: "Vad kostar det?",
            P.FREE: "Vad kostar det?",
            P.NO_SHOW: "Om du inte kommer",
            P.INTERPRETER: "Tolk",
            P.BRING: "Ta med",
            P.OPEN_INVITATION: "Så bokar du",
        },
        forms={ContactForm.PHONE: "Vi ringer dig", ContactForm.VIDEO: "Videobesök"},
        at="kl.",
        day=long_date,
        only_swedish="",
        when="När",
        new_time="Ny tid",
        earlier_time="Tidigare tid",
        cancelled_time="Avbokad tid",
        where="Var",
        how="Hur",
        meets="Du träffar",
        interpreter="Tolk",
        book_by="Boka senast",
        referral_came="Remissen kom",
        expected_by="Vi räknar med en tid senast",
        enclosed="Bilagor",
    ),
    LetterLanguage.ENGLISH: Words(
        name="engelska",
        headings={
            LetterKind.APPOINTMENT: "You have an appointment",
            LetterKind.CHANGE: "Your appointment has been changed",
            LetterKind.CANCELLATION: "Your appointment has been cancelled",
            LetterKind.OPEN_INVITATION: "Book an appointment with us",
            LetterKind.REFERRAL_RECEIPT: "About your referral",
            LetterKind.WAITING: "You are waiting for an appointment",
            LetterKind.CALL_US: "Call us to get an appointment",
        },
        sections={
            P.PREPARATION: "How to prepare",
            P.INFORMATION: "Good to know",
            P.DIRECTIONS: "How to find us",
            P.OPENING: "When you can call",
            P.CANCEL: "If you cannot come",
            P.FEE: "What does it cost?",
            P.FREE: "What does it cost?",
            P.NO_SHOW: "If you do not come",
            P.INTERPRETER: "Interpreter",
            P.BRING: "Bring with you",
            P.OPEN_INVITATION: "How to book",
        },
        forms={ContactForm.PHONE: "We will call you", ContactForm.VIDEO: "Video call"},
        at="at",
        day=_english_day,
        only_swedish="in Swedish only",
        when="When",
        new_time="New time",
        earlier_time="Earlier time",
        cancelled_time="Cancelled time",
        where="Where",
        how="How",
        meets="You will meet",
        interpreter="Interpreter",
        book_by="Book by",
        referral_came="Referral received",
        expected_by="We expect an appointment by",
        enclosed="Enclosed",
    ),
}
# The rows of facts that tell a time which has been told, when it is changed again.
TOLD_TIMES = {label for words in WORDS.values() for label in (words.when, words.new_time)}
