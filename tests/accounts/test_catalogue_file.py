"""A catalogue that is declared to go out and come in as a file: what changes is told as it will be, judged as the model
judges it, and takes effect as a whole or not at all (KA-03)."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from classification.models import FavouriteCode
from registration.models import (
    AddOn,
    AddOnCategory,
    ContactReason,
    FeeRate,
    GuaranteeLimit,
    ReferralReviewer,
    VisitType,
    VisitTypeReason,
)
from scheduling.models import OutcomeReason
from sdv.accounts.administration import site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Role
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import CareArea
from tests import factories
from tests.clinic import DAY, NOW, TODAY
from tests.desk.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]
HEAD = "kod;benamning;avser;dagar;kalla;giltig_fran;giltig_till"
OLD = "vg-7;Läkarbesök i primärvård;assessment;7;Lag 2010:349 (upphävd);;2018-12-31"
ASSESSMENT = "vg-3;Medicinsk bedömning i primärvård;assessment;3;Hälso- och sjukvårdsförordningen 6 kap.;2019-01-01;"
VISIT = "vg-90b;Första besök i specialistvård;first_visit;90;Hälso- och sjukvårdsförordningen 6 kap.;;"
NEW = "vg-2;Medicinsk bedömning inom två dagar;assessment;2;Påhittat beslut;2027-01-01;"
ENDED = ASSESSMENT + "2026-12-31"


@pytest.fixture
def limits():
    reverse("admin:index")
    return site._registry[GuaranteeLimit].file_import


@pytest.fixture
def client():
    return signed_in(factories.staff(Role.CATALOGUE_ADMIN, factories.CareUnitFactory()))


def file_of(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def counts(found):
    return len(found.added), len(found.changed), len(found.ended), len(found.left), found.same


def read(catalogue, text):
    found = catalogue.compared(text, on=TODAY)
    return catalogue.take_effect(text=text, fingerprint=found.fingerprint, by=None, at=NOW)


def test_the_file_says_what_the_catalogue_says(limits):
    """BO-04: with the administration's own names as headings."""
    assert sorted(limits.written().removeprefix("\ufeff").splitlines()) == sorted([HEAD, OLD, ASSESSMENT, VISIT])


def test_a_new_limit_takes_over_where_the_old_one_ends_in_the_same_file(limits):
    """BO-04: what ends makes room first, wherever the lines stand; nothing is written before the yes."""
    text = file_of(NEW, OLD, ENDED, VISIT)
    found = limits.compared(text, on=TODAY)
    assert counts(found) == (1, 1, 0, 0, 2)
    assert "kod: vg-2, benamning: Medicinsk bedömning inom två dagar, avser: assessment, dagar: 2" in str(
        found.added[0]
    )
    assert [str(part) for part in found.changed[0]] == [
        "Medicinsk bedömning i primärvård (vg-3)",
        "giltig_till: tomt → 2026-12-31",
    ]
    assert GuaranteeLimit.objects.get(code="vg-3").valid_to is None
    assert not GuaranteeLimit.objects.filter(code="vg-2").exists()
    limits.take_effect(text=text, fingerprint=found.fingerprint, by=None, at=NOW)
    assert GuaranteeLimit.objects.get(code="vg-3").valid_to == date(2026, 12, 31)
    begun = GuaranteeLimit.objects.valid_on(date(2027, 1, 1)).get(purpose="assessment")
    assert (begun.code, begun.days, begun.valid_from, begun.source) == ("vg-2", 2, date(2027, 1, 1), "Påhittat beslut")


def test_what_is_gone_from_the_file_ends_the_day_before_and_stays(limits):
    """BO-04: what has ended stands as it is, without a word."""
    found = read(limits, file_of(ASSESSMENT))
    assert counts(found) == (0, 0, 1, 0, 1)
    assert str(found.ended[0]) == "Första besök i specialistvård (vg-90b), till 2026-11-19"
    assert GuaranteeLimit.objects.get(code="vg-90b").valid_to == TODAY - DAY
    assert GuaranteeLimit.objects.get(code="vg-7").valid_to == date(2018, 12, 31)


def test_what_has_not_begun_is_left_and_told(limits):
    """BO-04: a last day before its first is no day."""
    read(limits, file_of(OLD, ENDED, VISIT, NEW))
    found = read(limits, file_of(OLD, ENDED, VISIT))
    assert counts(found) == (0, 0, 0, 1, 3)
    assert found.left[0][0] == "Medicinsk bedömning inom två dagar (vg-2)"
    assert GuaranteeLimit.objects.get(code="vg-2").valid_to is None


def test_where_there_are_no_days_what_is_gone_is_left_and_told():
    """VO-02: a row is known by all of its key, each told by its code."""
    links = CatalogueFile(
        VisitTypeReason,
        "VO-02",
        ("visit_type", "contact_reason", "source"),
        fixed=(),
        key=("visit_type", "contact_reason"),
    )
    VisitTypeReason.objects.all().delete()
    visit_type, (one, other) = VisitType.objects.first(), ContactReason.objects.all()[:2]
    VisitTypeReason.objects.create(visit_type=visit_type, contact_reason=one, source="Prov")
    text = file_of(f"{visit_type.code};{other.code};Prov", head="besokstyp;vardkontaktsorsak;kalla")
    assert counts(read(links, text)) == (1, 0, 0, 1, 0)
    assert set(VisitTypeReason.objects.values_list("contact_reason", flat=True)) == {one.pk, other.pk}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (VISIT.replace(";90;", ";60;"), "dagar: 90 → 60. Det ändras inte på en rad som finns."),
        (VISIT.replace(";;", ";2026-01-01;"), "giltig_fran: tomt → 2026-01-01. Det ändras inte"),
        (NEW, "Det finns redan en gräns för de dagarna. Ge den ett slutdatum först."),
        ("vg 2;Namn;first_visit;2;;2027-01-01;", "kod: "),
        ("vg-2;;first_visit;2;;2027-01-01;", "benamning: saknas."),
        (f"vg-2;{'x' * 201};assessment;2;;2017-01-01;", "benamning: "),
        ("vg-2;Namn;annat;2;;2027-01-01;", "avser: ”annat” är inte känt. Kända: assessment, first_visit."),
        ("vg-2;Namn;assessment;två;;2027-01-01;", "dagar: ”två” är inget heltal."),
        ("vg-2;Namn;assessment;-2;;2027-01-01;", "dagar: ”-2” är inget heltal."),
        ("vg-2;Namn;assessment;99999;;2027-01-01;", "dagar: "),
        ("vg-2;Namn;assessment;2;;i dag;", "giltig_fran: ”i dag” är inget datum (ÅÅÅÅ-MM-DD)."),
        ("vg-2;Namn;first_visit;2;;2027-02-01;2027-01-01", "Sista dagen ska inte ligga före den första."),
        ("vg-2;Namn", "2 värden, väntade 7."),
        (ASSESSMENT, "raden står två gånger (vg-3)."),
        ('vg-2;"Namn', "raden går inte att läsa"),
    ],
)
def test_a_file_that_is_wrong_is_refused_whole_with_its_line(limits, row, reason):
    """KA-03: what stands before the wrong line has not been read in either."""
    before = list(GuaranteeLimit.objects.values())
    logged = ChangeLogEntry.objects.count()
    with pytest.raises(CatalogueError) as refused:
        read(limits, file_of(ASSESSMENT.replace("bedömning", "Bedömning"), row))
    assert str(refused.value).startswith("Rad 3: ") and reason in str(refused.value)
    assert list(GuaranteeLimit.objects.values()) == before
    assert ChangeLogEntry.objects.count() == logged


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kod;namn\n", f"Rad 1: rubrikerna ska vara {HEAD}."),
        (file_of(), "Filen har inga rader."),
        (file_of(VISIT + "\x00"), "Filen har tecken som inte hör till en text."),
    ],
)
def test_a_file_that_is_no_list_is_refused(limits, text, reason):
    """KA-03: an empty file would end everything."""
    with pytest.raises(CatalogueError) as refused:
        read(limits, text)
    assert str(refused.value) == reason
    assert GuaranteeLimit.objects.valid_on(TODAY).count() == 2


def test_looking_leaves_no_trace(limits):
    """KA-03: what was tried to see that it can be done was undone, with its trace."""
    before, logged = list(GuaranteeLimit.objects.values()), ChangeLogEntry.objects.count()
    limits.compared(file_of(OLD, ENDED, NEW), on=TODAY)
    assert (list(GuaranteeLimit.objects.values()), ChangeLogEntry.objects.count()) == (before, logged)


def test_of_two_at_once_the_first_takes_effect(limits, client):
    """KA-03: the second saw another catalogue, and is asked to look again."""
    text = file_of(OLD, ENDED, VISIT, NEW)
    first, second = limits.compared(text, on=TODAY), limits.compared(text, on=TODAY)
    limits.take_effect(text=text, fingerprint=first.fingerprint, by=None, at=NOW)
    after = list(GuaranteeLimit.objects.values())
    with pytest.raises(RuleError) as refused:
        limits.take_effect(text=text, fingerprint=second.fingerprint, by=None, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("BO-04", "another_list")
    answer = client.post(
        reverse("admin:registration_guaranteelimit_import"), {"rows": text, "fingerprint": second.fingerprint}
    )
    assert answer.status_code == 422 and "Katalogen har ändrats sedan filen jämfördes." in answer.content.decode()
    assert list(GuaranteeLimit.objects.values()) == after


def test_an_amount_of_a_new_year_is_a_new_row():
    """PL-14: a row is known by whom it is for and its first day; what a spreadsheet would count out comes back as it was."""
    rates = site._registry[FeeRate].file_import
    FeeRate.objects.all().delete()
    FeeRate.objects.create(
        code="A", purpose="visit", level="primary", staff="doctor", with_referral=False, amount=200, source="=Prov"
    )
    head = "kod;avser;vard;hos;med_remiss;kronor;kalla;giltig_fran;giltig_till"
    row = "A;visit;primary;doctor;nej;200;'=Prov;;"
    assert rates.written() == f"\ufeff{head}\r\n{row}\r\n"
    with pytest.raises(CatalogueError, match="Rad 2: kronor: 200 → 250"):
        read(rates, file_of(row.replace("200", "250"), head=head))
    both = file_of(row + "2026-12-31", "B;visit;primary;doctor;nej;250;Beslut;2027-01-01;", head=head)
    assert counts(read(rates, both)) == (1, 1, 0, 0, 0)
    assert list(FeeRate.objects.order_by("code").values_list("code", "amount", "with_referral", "source")) == [
        ("A", 200, False, "=Prov"),
        ("B", 250, False, "Beslut"),
    ]


def test_a_row_pointed_out_is_told_by_its_code():
    """KA-02, BT-01: another category is a change; what a besökstyp is put together of stays."""
    add_ons, visit_types = (site._registry[model].file_import for model in (AddOn, VisitType))
    one, other = (AddOnCategory.objects.create(code=f"prov-{n}", name=f"Prov {n}") for n in (1, 2))
    AddOn.objects.create(code="prov", name="Prov", category=one)
    text = add_ons.written()
    assert counts(read(add_ons, text.replace("prov;Prov;prov-1;", "prov;Prov;prov-2;"))) == (
        0,
        1,
        0,
        0,
        text.count("\n") - 2,
    )
    assert AddOn.objects.get(code="prov").category == other
    with pytest.raises(CatalogueError, match="kategori: ”prov-3” är inte känt"):
        read(add_ons, text.replace("prov;Prov;prov-1;", "prov;Prov;prov-3;"))
    row = VisitType.objects.exclude(care_area=CareArea.objects.first()).first()
    row = f"{row.code};{row.name};{row.care_area.code};"
    with pytest.raises(CatalogueError, match=r"vardomrade: .* → .*Det ändras inte på en rad som finns"):
        read(
            visit_types,
            visit_types.written().replace(row, row.rsplit(";", 2)[0] + f";{CareArea.objects.first().code};"),
        )


def test_a_file_of_links_is_the_whole_of_the_besokstyper_it_names_and_of_reviewers_of_its_units():
    """VO-02, VA-03: a link that is not in it is taken away, a reviewer ends; what it does not name is left alone."""
    links, reviewers = (site._registry[model].file_import for model in (VisitTypeReason, ReferralReviewer))
    assert "Filen är hela listan för de besökstyper den nämner." in links.about and "tas bort" in links.about
    visit_type = VisitType.objects.get(code="pv-ssk-aterbesok")
    before = VisitTypeReason.objects.exclude(visit_type=visit_type).count()
    gone = visit_type.reason_links.select_related("contact_reason").first()
    new = ContactReason.objects.exclude(visit_type_links__visit_type=visit_type).first()
    kept = visit_type.reason_links.exclude(pk=gone.pk).values_list("contact_reason__code", "source")
    lines = [f"pv-ssk-aterbesok;{code};{source}" for code, source in kept] + [f"pv-ssk-aterbesok;{new.code};Prov"]
    found = read(links, file_of(*lines, head="besokstyp;vardkontaktsorsak;kalla"))
    assert counts(found) == (1, 0, 1, 0, len(kept))
    assert str(found.ended[0]).endswith("tas bort")
    assert not VisitTypeReason.objects.filter(pk=gone.pk).exists()
    assert visit_type.reason_links.get(contact_reason=new).source == "Prov"
    assert VisitTypeReason.objects.exclude(visit_type=visit_type).count() == before
    units = [factories.CareUnitFactory() for _ in range(2)]
    first, second = (factories.ResourceFactory(care_unit=units[0]).practitioner for _ in range(2))
    for unit in units:
        ReferralReviewer.objects.create(care_unit=unit, practitioner=first)
    head = "vardenhet;medarbetare;ordning;giltig_fran;giltig_till"
    found = read(reviewers, file_of(f"{units[0].hsa_id};{second.hsa_id};2;;", head=head))
    assert counts(found) == (1, 0, 1, 0, 0)
    assert list(units[0].reviewers.order_by("position").values_list("practitioner", "valid_to")) == [
        (first.pk, TODAY - DAY),
        (second.pk, None),
    ]
    assert units[1].reviewers.get().valid_to is None


def test_what_cannot_stand_at_once_is_refused_with_its_line():
    """UT-03: two reasons of an outcome have not one digit, also not on the way to another."""
    reasons = site._registry[OutcomeReason].file_import
    one, other = OutcomeReason.objects.filter(outcome="await_result").order_by("position")[:2]
    text = reasons.written().replace(f";{one.outcome_id};{one.position};", f";{one.outcome_id};{other.position};")
    with pytest.raises(CatalogueError, match=r"Rad \d+: Siffran används redan för utfallet"):
        read(reasons, text)
    gone = "\r\n".join(line for line in reasons.written().split("\r\n") if not line.startswith(f"{other.code};"))
    found = read(reasons, gone.replace(f";{one.outcome_id};{one.position};", f";{one.outcome_id};{other.position};"))
    assert counts(found)[:3] == (0, 1, 1)
    assert OutcomeReason.objects.get(pk=one.pk).position == other.position


def test_the_administration_shows_what_changes_before_it_does(limits, client):
    """BO-04: a file with a row of each kind; the yes is to what was seen, and the trace says who."""
    address = reverse("admin:registration_guaranteelimit_import")
    text = file_of(OLD, ENDED, NEW)
    page = client.post(address, {"file": SimpleUploadedFile("g.csv", text.encode())}).content.decode()
    assert "1 nya, 1 ändrade, 1 upphör, 1 lika." in page
    assert "Medicinsk bedömning i primärvård (vg-3): giltig_till: tomt → 2026-12-31" in page
    assert "Första besök i specialistvård (vg-90b), till " in page
    assert "Står kvar" not in page
    mark = page.partition('name="fingerprint" value="')[2].partition('"')[0]
    assert client.post(address, {"rows": text.replace("\n", "\r\n"), "fingerprint": mark}).status_code == 302
    row = GuaranteeLimit.objects.get(code="vg-2")
    assert ChangeLogEntry.objects.filter(row_id=str(row.pk), operation="insert", actor_id__isnull=False).exists()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("registration_guaranteelimit", {"code": "x", "name": "X", "purpose": "first_visit", "days": "4"}),
        (
            "registration_feerate",
            {"code": "X", "purpose": "visit", "level": "primary", "staff": "doctor", "amount": "4"},
        ),
        ("scheduling_lettertext", {"part": "bring", "language": "sv", "text": "Ta med legitimation."}),
        ("classification_checksetting", {"check_id": "R30", "weight": "warning", "most": "9", "decision": "Prov"}),
    ],
)
def test_a_last_day_before_the_first_is_said_in_the_administration(client, name, given):
    """KA-03: where a day may have one row, the database cannot even be asked of such days."""
    days = {"source": "Prov", "valid_from": "2027-02-01", "valid_to": "2027-01-01"}
    answer = client.post(reverse(f"admin:{name}_add"), given | days)
    assert answer.status_code == 200 and "Sista dagen ska inte ligga före den första." in answer.content.decode()


def declared():
    reverse("admin:index")
    return [
        (model, admin)
        for model, admin in site._registry.items()
        if isinstance(getattr(admin, "file_import", None), CatalogueFile)
    ]


@pytest.mark.usefixtures("as_application")
def test_the_application_may_do_what_a_file_asks():
    """KA-03: with its role's rights, also the lock that keeps two apart."""
    for _, admin in declared():
        found = read(admin.file_import, admin.file_import.written())
        assert not (found.added or found.changed or found.ended or found.left)


# Who logs in as whom is in no file, nor what is a person's own.
BY_HAND = {Practitioner: {"user"}, FavouriteCode: {"user"}}


def test_a_file_has_every_field_and_changes_no_more_than_the_administration_may():
    """KA-03: what is set once is set once in both doors; what may get another name there is another row here."""
    for model, admin in declared():
        catalogue = admin.file_import
        fields = {field.name for field in model._meta.concrete_fields if field.editable}
        assert set(catalogue.columns) == fields - BY_HAND.get(model, set())
        assert set(catalogue.fixed) == set(admin.fixed), model
        assert set(catalogue.key) <= {*admin.fixed, "care_unit", "name", "valid_from"}, model
        if "valid_to" in catalogue.columns:
            with pytest.raises(ValidationError):
                model(valid_from=TODAY, valid_to=TODAY - DAY).clean()
