"""A letter's own words, language, files and tillval, chosen where the kallelse is: at the confirmation of a booking, of a new
time, of a seat, of a plan and in Ombokningar; read before it is written (KA-01…03, KA-05, PL-02, PL-09, PL-16)."""

import hashlib
from datetime import UTC, timedelta

import pytest
from django.urls import reverse

from registration.models import AddOn, AddressKind, PatientAddress
from scheduling.actions import absences, letters
from scheduling.models import Appointment, Letter, LetterAttachment, LetterText, RebookingItem, ResourceBooking
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now, start_of_day
from sdv.outbox.models import OutboxMessage
from tests.clinic import Clinic

from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

OWN = "  Ta med röntgenbilderna.\r\n\r\nRing på porten.\t"


@pytest.fixture
def clinic():
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(clinic):
    return signed_in(clinic.staff(Role.RECEPTIONIST))


@pytest.fixture
def map_of_the_way():
    content = b"%PDF-1.7 karta"
    return LetterAttachment.objects.create(
        name="Karta", pdf=content, sha256=hashlib.sha256(content).hexdigest(), source="Prov"
    )


def living(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def start(hour=9, day=2):
    return (start_of_day(local_date(now()) + timedelta(days=day)) + timedelta(hours=hour)).astimezone(UTC)


def choices(clinic, **fields):
    first = local_date(now()) + timedelta(days=1)
    return {
        "besokstyp": str(clinic.nurse_visit.pk),
        "orsak": str(clinic.reason.pk),
        "fran": first.isoformat(),
        "till": (first + timedelta(days=7)).isoformat(),
    } | fields


def value(clinic, moment):
    return f"{clinic.nurse_resource.pk}|{moment.isoformat()}"


def held(desk, address, sent):
    """The page after a time has been held."""
    answer = desk.post(address, sent | {"step": "hold"}, follow=True)
    assert answer.context["held"] is not None
    return {"hallen": str(answer.context["held"]["id"]), "tid": answer.context["held"]["value"]}


def chosen(file=None, where="vald", **fields):
    found = {"brev_vid": where, "kallelse": "1", "own_text": OWN, "language": "en"}
    return found | ({"attachments": [str(file.pk)]} if file else {}) | fields


def test_words_language_and_files_go_with_the_booking(clinic, desk, map_of_the_way):
    """KA-01, KA-03, PL-16: byte for byte, in the transaction of the booking."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    answer = desk.post(address, sent | time | chosen(map_of_the_way) | {"step": "book"})
    letter = Letter.objects.get()
    assert answer["Location"].endswith(f"?bokad={letter.appointment_id}")
    assert (letter.own_text, letter.language, letter.heading) == (OWN, "en", "You have an appointment")
    assert [row.attachment for row in letter.enclosures.all()] == [map_of_the_way]


def test_without_a_letter_nothing_of_it_is_read_or_written(clinic, desk):
    """KA-01"""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    fields = chosen(own_text="x" * 1001)
    del fields["kallelse"]
    desk.post(address, sent | time | fields | {"step": "book"})
    assert (Appointment.objects.count(), Letter.objects.count()) == (1, 0)


def test_what_cannot_be_written_books_nothing_and_is_told_at_its_field(clinic, desk, map_of_the_way):
    """KA-03: too long, or a file that is no longer offered; what was typed stands."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    answer = desk.post(address, sent | time | chosen(own_text="y" * 1001) | {"step": "book"})
    told = answer.content.decode()
    assert answer.status_code == 422
    assert "y" * 1001 in told
    assert 'id="vald-own_text_error"' in told
    LetterAttachment.objects.update(valid_to=local_date(now()) - timedelta(days=1))
    answer = desk.post(address, sent | time | chosen(map_of_the_way) | {"step": "book"})
    assert answer.status_code == 422
    assert "Någon av bilagorna finns inte längre." in answer.content.decode()
    assert (Appointment.objects.count(), Letter.objects.count()) == (0, 0)


def test_it_is_read_before_it_is_written_and_nothing_is_saved(clinic, desk, map_of_the_way):
    """KA-01: the same letter as is then written, and the time is held as before."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    fields = sent | time | chosen(map_of_the_way)
    answer = desk.post(address, fields | {"step": "preview"})
    told = answer.content.decode()
    paper = answer.context["preview"]["paper"]
    assert (answer.status_code, Appointment.objects.count(), Letter.objects.count()) == (200, 0, 0)
    assert OutboxMessage.objects.count() == 0
    assert str(answer.context["held"]["id"]) == time["hallen"]
    assert "Ta med röntgenbilderna." in told
    assert "Går med: Post. Inget är sparat." in told
    desk.post(address, fields | {"step": "book"})
    letter = Letter.objects.get()
    assert paper.facts == letter.parts["facts"]
    assert paper.sections == letter.parts["sections"]
    assert (paper.recipient, paper.heading, paper.sender) == (letter.recipient, letter.heading, letter.sender)


def test_what_is_missing_is_told_before_it_is_booked(clinic, desk):
    """KA-01: no address; the booking is made all the same, and the letter is somebody's work."""
    patient = clinic.patient()
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    answer = desk.post(address, sent | time | chosen() | {"step": "preview"})
    assert "patientens adress saknas" in answer.content.decode()
    assert not Letter.objects.exists()


def test_the_protected_see_the_mediation_cover_and_no_address(clinic, desk, map_of_the_way):
    """KA-05, SK-05"""
    patient = clinic.patient(protection="sekretessmarkering", given_name="Hemlig", surname="Persson")
    clinic.book(patient, start(8), at=now())
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    told = desk.post(address, sent | time | chosen(map_of_the_way) | {"step": "preview"}).content.decode()
    assert "Förmedlingsuppdrag" in told
    assert "Persson" not in told


def test_another_time_is_chosen_and_what_was_typed_stays_and_is_in_no_address(clinic, desk, map_of_the_way):
    """PL-07: shown at once, never by an address that would hold the words."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    other = {"hallen": time["hallen"], "tid": [time["tid"], value(clinic, start(10))]}
    answer = desk.post(address, sent | other | chosen(map_of_the_way))
    told = answer.content.decode()
    assert answer.status_code == 200
    assert answer.context["held"]["start"] == start(10)
    assert "Ring på porten." in told
    assert answer.context["letter_forms"]["vald"]["attachments"].value() == [str(map_of_the_way.pk)]
    assert ResourceBooking.objects.filter(state="held").count() == 1
    # Nothing chosen: an address as before.
    plain = {"brev_vid": "vald", "kallelse": "1", "own_text": "", "language": ""}
    again = {"hallen": str(answer.context["held"]["id"]), "tid": value(clinic, start(11))}
    assert desk.post(address, sent | again | plain).status_code == 302


def test_when_somebody_was_first_the_offered_times_carry_the_words_on(clinic, desk):
    """PL-07, PL-27"""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    clinic.book(living(clinic), start(), at=now())
    answer = desk.post(address, sent | {"tid": value(clinic, start()), "step": "book"} | chosen())
    told = answer.content.decode()
    assert answer.status_code == 409
    assert told.count('<input type="hidden" name="own_text"') == 2
    assert dict(answer.context["kept_letter"])["own_text"] == OWN
    following = {"tid": answer.context["offered"][0].value, "step": "hold"}
    answer = desk.post(address, sent | following | dict(answer.context["kept_letter"]))
    assert answer.context["letter_forms"]["vald"]["own_text"].value() == OWN


def test_a_time_is_held_while_other_choices_change_and_let_go_when_what_is_booked_is_another(clinic, desk):
    """PL-07: the form that asks again says what the time was held for."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    told = desk.get(address, sent | {"hallen": time["hallen"]}).context["held_for"]
    assert str(clinic.nurse_visit.pk) in told
    kept = {"hallen": time["hallen"], "hallen_for": told}
    wished = (local_date(now()) + timedelta(days=3)).isoformat()
    assert desk.get(address, choices(clinic, onskat=wished) | kept).context["held"] is not None
    other = desk.get(address, choices(clinic) | kept | {"hallen_for": "annat|||"})
    assert (other.context["held"], other.context["ran_out"]) == (None, False)


def test_the_new_time_shows_what_was_chosen_and_tells_who_changed_it(clinic, desk, map_of_the_way):
    """BO-03, PL-09, KA-03: unchanged it goes on; changed, it is as changed."""
    patient = living(clinic)
    first = clinic.book(
        patient,
        start(),
        at=now(),
        letter=True,
        letter_choices={"own_text": OWN, "language": "en", "attachment_ids": [map_of_the_way.pk]},
    )
    letters.confirm_printed(letter_id=Letter.objects.get().pk, by=clinic.nurse, at=now())
    address = reverse("appointment-reschedule", args=[first.pk])
    sent = {"fran": start().date().isoformat(), "till": start(day=9).date().isoformat(), "andrad_av": "patient"}
    time = held(desk, address, sent | {"tid": value(clinic, start(13))})
    page = desk.get(address, sent | {"hallen": time["hallen"]})
    assert page.context["letter_forms"]["vald"].is_open
    assert page.context["letter_forms"]["vald"]["own_text"].value() == OWN
    fields = sent | time | chosen(map_of_the_way, own_text="Ny text")
    answer = desk.post(address, fields | {"step": "preview"})
    assert answer.context["preview"]["paper"].heading == "Your appointment has been changed"
    assert answer.context["preview"]["paper"].facts[1][0] == "Earlier time"
    desk.post(address, fields | {"step": "book"})
    letter = Letter.objects.get(kind="change")
    assert (letter.own_text, letter.language, letter.changed_by) == ("Ny text", "en", "patient")
    assert (answer.context["preview"]["paper"].facts, answer.context["preview"]["paper"].sections) == (
        letter.parts["facts"],
        letter.parts["sections"],
    )
    assert [row.attachment for row in letter.enclosures.all()] == [map_of_the_way]


def test_overbooked_and_in_a_series_the_same_part_is_asked(clinic, desk, map_of_the_way):
    """PL-06, PL-08: one form, one rule; a series has the words in each of its letters."""
    patient = living(clinic)
    page = desk.get(reverse("book", args=[patient.pk]), choices(clinic))
    assert set(page.context["letter_forms"]) == {"vald", "over", "grupp"}
    address = reverse("book-series", args=[patient.pk])
    asked = choices(clinic, antal="2", varje="1", klockan="09:00", resurs=str(clinic.nurse_resource.pk))
    page = desk.get(address, asked)
    rows = {f"tid-{row.number}": row.choices[0][0] for row in page.context["rows"]}
    desk.post(address, asked | rows | chosen(map_of_the_way, where="plan"))
    assert [(row.own_text, row.language) for row in Letter.objects.all()] == [(OWN, "en")] * 2


# --- Tillval ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sample(clinic):
    """A tillval with its text, beside the others of the region."""
    row = AddOn.objects.get(code="provtagning")
    LetterText.objects.create(part="add_on", add_on=row, text="Lämna prov före besöket.", source="Prov")
    return row


def test_tillval_are_chosen_with_the_kallelse_and_follow_the_contact(clinic, desk, sample):
    """KA-02: read beforehand, said in the letter and in the next; taken away where the letter is written anew. One that is
    gone books nothing."""
    patient = living(clinic)
    address, sent = reverse("book", args=[patient.pk]), choices(clinic)
    time = held(desk, address, sent | {"tid": value(clinic, start())})
    fields = sent | time | chosen(own_text="", language="sv", add_ons=[str(sample.pk)])
    gone = fields | {"add_ons": [str(clinic.unit.pk)], "step": "book"}
    told = desk.post(address, gone)
    assert told.status_code == 422 and "Något av tillvalen finns inte längre." in told.content.decode()
    preview = desk.post(address, fields | {"step": "preview"})
    assert "Lämna prov före besöket." in preview.content.decode()
    assert not Appointment.objects.exists()
    desk.post(address, fields | {"step": "book"})
    booking, letter = Appointment.objects.get(), Letter.objects.get()
    assert list(booking.add_ons.all()) == [sample] and "Lämna prov före besöket." in letter.body
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=now())
    page = reverse("appointment-reschedule", args=[booking.pk])
    days = {"fran": start().date().isoformat(), "till": start(day=9).date().isoformat(), "andrad_av": "patient"}
    time = held(desk, page, days | {"tid": value(clinic, start(13))})
    form = desk.get(page, days | {"hallen": time["hallen"]}).context["letter_forms"]["vald"]
    assert form.is_open and form["add_ons"].value() == [str(sample.pk)]
    desk.post(
        page,
        days
        | time
        | {"brev_vid": "vald", "kallelse": "1", "language": "sv", "add_ons": [str(sample.pk)], "step": "book"},
    )
    change = Letter.objects.get(kind="change")
    assert "Lämna prov före besöket." in change.body
    again = {"own_text": "", "language": "sv", "version": change.version}
    before = Appointment.objects.get().version
    desk.post(reverse("letter-rewrite", args=[change.pk]), again)
    trail = booking.history.last()
    assert (trail.event, trail.reason, trail.by) == ("add_ons", f"{sample.name} → inga", change.created_by)
    assert Appointment.objects.get().version == before + 1
    assert "Tillval ändrade" in desk.get(reverse("encounter", args=[booking.encounter_id])).content.decode()
    assert "Lämna prov" not in Letter.objects.get(kind="change", status="unsent").body
    assert not booking.add_ons.exists()


# --- Ombokningar ------------------------------------------------------------------------------------------------------


def test_in_ombokningar_the_letter_is_chosen_and_read_as_where_any_time_is_taken(clinic, desk, sample, map_of_the_way):
    """PL-02, PL-09, KA-01, KA-02: by the same part and action; without the tick none is written."""
    patient = living(clinic)
    booking = clinic.book(patient, start(), at=now(), letter=True, letter_choices={"own_text": "Förr"})
    letters.confirm_printed(letter_id=Letter.objects.get().pk, by=clinic.nurse, at=now())
    other = clinic.book(living(clinic), start(10), at=now(), letter=True)
    day = start_of_day(local_date(start())).astimezone(UTC)
    away = {"resource_id": clinic.nurse_resource.pk, "kind": "leave", "start": day, "end": day + timedelta(days=1)}
    absences.register(care_unit=clinic.unit, by=clinic.nurse, at=now(), **away)
    item = RebookingItem.objects.get(appointment=booking)
    address = reverse("rebooking-move", args=[item.pk])
    page = desk.get(address)
    assert page.context["letter_form"]["own_text"].value() == "Förr" and page.context["letter_default"]
    fields = {"tid": page.context["choices"][1].value, "version": str(item.version)}
    fields |= chosen(map_of_the_way, where="ny", add_ons=[str(sample.pk)])
    wrong = desk.post(address, fields | {"own_text": "y" * 1001})
    assert wrong.status_code == 422 and 'id="ny-own_text_error"' in wrong.content.decode()
    read = desk.post(address, fields | {"step": "preview"}, headers={"HX-Request": "true"})
    paper = read.context["preview"]["paper"]
    sheet = read.content.decode()
    still = sheet.split(" checked")[0].rsplit('value="', 1)[1].split('"')[0]
    assert (read.status_code, still) == (200, fields["tid"])
    assert "Inget är sparat." in sheet and RebookingItem.objects.open().count() == 2
    done = desk.post(address, fields, follow=True).content.decode()
    assert "Ändrad tid ska skrivas ut. Ombokad till" in done
    letter = Letter.objects.get(kind="change")
    assert (letter.own_text, letter.language, letter.changed_by) == (OWN, "en", "provider")
    assert (paper.facts, paper.sections) == (letter.parts["facts"], letter.parts["sections"])
    assert [row.attachment for row in letter.enclosures.all()] == [map_of_the_way]
    assert list(booking.add_ons.all()) == [sample]
    item = RebookingItem.objects.get(appointment=other)
    address, count = reverse("rebooking-move", args=[item.pk]), Letter.objects.count()
    proposed = desk.get(address).context["choices"][0].value
    desk.post(address, {"tid": proposed, "version": str(item.version), "brev_vid": "ny"})
    assert not RebookingItem.objects.open().exists()
    assert Letter.objects.count() == count and not other.letters.filter(status="unsent").exists()
