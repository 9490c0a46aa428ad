"""Öppen kallelse to several who wait, in one act: all or none, with why for each whom it does not fit (PL-26, BB-01)."""

from datetime import timedelta

import pytest

from registration.models import AddressKind, PatientAddress
from scheduling.actions import invitations, many_invitations, work_items, working
from scheduling.models import BookingRequest, Letter, LetterText, OpenInvitation
from sdv.common.errors import InputError
from sdv.flows import deceased, protection
from tests.clinic import DAY, NOW, TODAY, Clinic

LAST = TODAY + 14 * DAY


@pytest.fixture
def centre(health_centre):
    LetterText.objects.create(part="phone", care_unit=health_centre.unit, text="046-17 00 00", source="Prov")
    return health_centre


def waits(clinic, *, lives=True):
    patient = clinic.patient()
    if lives:
        kind = AddressKind.objects.get(code="bostadsadress")
        PatientAddress.objects.create(
            patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund"
        )
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY + 30 * DAY,
        by=clinic.nurse,
        at=NOW,
    )


def invite(clinic, rows, **fields):
    told = {"care_unit": clinic.unit, "last_day": LAST, "by": clinic.nurse, "at": NOW}
    return many_invitations.invite(request_ids=[row.pk for row in rows], **(told | fields))


def test_each_gets_an_invitation_and_a_letter_and_waits_on(centre):
    """UT-07, KA-01: the same words to all."""
    rows = [waits(centre) for _ in range(3)]
    made = invite(centre, rows, own_text="Vi har kväll på torsdagar.")
    assert {row.booking_request_id for row in made} == {row.pk for row in rows}
    assert list(OpenInvitation.objects.values_list("status", "last_day").distinct()) == [("open", LAST)]
    assert set(BookingRequest.objects.waiting()) == set(rows)
    letters = Letter.objects.filter(kind="open_invitation")
    assert (letters.count(), set(letters.values_list("own_text", flat=True))) == (3, {"Vi har kväll på torsdagar."})


def test_whom_it_does_not_fit_is_told_one_by_one_and_nothing_is_saved(centre):
    """PL-08, PL-22, PL-27: then they are left out, and the others get theirs."""
    fits, invited, dead, worked = (waits(centre) for _ in range(4))
    invitations.invite(subject="booking_request", row_id=invited.pk, last_day=LAST, by=centre.nurse, at=NOW)
    deceased.register(patient_id=dead.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=centre.doctor, at=NOW)
    assert working.at_work(worked, by=centre.doctor, at=NOW) is None
    rows = [fits, invited, dead, worked]
    with pytest.raises(many_invitations.Misfits) as error:
        invite(centre, rows)
    refused = error.value
    assert (refused.rule, refused.code) == ("PL-26", "misfits")
    assert refused.sentence == (
        "3 av raderna kan inte få en öppen kallelse, och inget är skickat. Lämna dem utanför för att skicka till de andra 1."
    )
    assert {pk: each.code for pk, each in refused.rows} == {
        invited.pk: "already_invited",
        dead.pk: "deceased",
        worked.pk: "worked_with",
    }
    assert refused.errors[str(invited.pk)] == [
        "Patienten har redan en öppen kallelse, sista dag 2026-12-04. Avsluta den först. Regel PL-26."
    ]
    assert (OpenInvitation.objects.count(), Letter.objects.exclude(status="stopped").count()) == (1, 1)
    made = invite(centre, rows, leave_out=[pk for pk, _ in refused.rows])
    assert [row.booking_request_id for row in made] == [fits.pk]


def test_a_letter_that_lacks_something_is_counted_and_stands_as_work(centre):
    """KA-01, KA-05: without an address; a protected patient's goes by mediation."""
    lacks, hidden = waits(centre, lives=False), waits(centre)
    protection.set_by_hand(patient_id=hidden.patient_id, ground="threat", by=centre.nurse, at=NOW)
    made = invite(centre, [lacks, hidden])
    assert many_invitations.lacking(made) == 1
    assert Letter.objects.get(patient=lacks.patient_id).status == "blocked"
    assert Letter.objects.get(patient=hidden.patient_id).delivery == "mediation"


@pytest.mark.parametrize("case", ["none", "elsewhere", "day", "words", "all_out", "too_many"])
def test_what_cannot_be_understood_changes_nothing(centre, case):
    """BB-01, PL-26"""
    row = waits(centre)
    asked = {
        "none": ([], {}),
        "elsewhere": ([row], {"care_unit": Clinic(kind="vardcentral", area="Pv", name="Söder").unit}),
        "day": ([row], {"last_day": TODAY}),
        "words": ([row], {"own_text": "x" * 1001}),
        "all_out": ([row], {"leave_out": [row.pk]}),
    }
    if case == "too_many":
        with pytest.raises(InputError, match="rad"):
            many_invitations.invite(
                request_ids=range(51), care_unit=centre.unit, last_day=LAST, by=centre.nurse, at=NOW
            )
    else:
        rows, fields = asked[case]
        with pytest.raises(InputError) as error:
            invite(centre, rows, **fields)
        assert error.value.errors.keys() == {{"day": "last_day", "words": "own_text"}.get(case, "rad")}
    assert not OpenInvitation.objects.exists()


def test_a_second_press_is_told_of_every_row(centre):
    """PL-27"""
    rows = [waits(centre) for _ in range(2)]
    invite(centre, rows)
    with pytest.raises(many_invitations.Misfits) as error:
        invite(centre, rows, at=NOW + timedelta(minutes=1))
    assert {refused.code for _, refused in error.value.rows} == {"already_invited"}
    assert OpenInvitation.objects.count() == 2
