"""Loads what a contact is, from registration/data: the instruction's tables, and what is composed or invented beside
them, each row with its source. Called by manage.py load_catalogues."""

from pathlib import Path

from django.db import transaction

from registration.codes import code_of
from registration.encounter_types import TYPES
from registration.models import (
    AddOn,
    AddOnCategory,
    AddressKind,
    ContactForm,
    ContactReason,
    EncounterClass,
    EncounterType,
    FeeLevel,
    FeePurpose,
    FeeRate,
    FeeStaff,
    GuaranteeLimit,
    GuaranteePurpose,
    NewOrReturn,
    ProblemCode,
    VisitKind,
    VisitType,
    VisitTypeReason,
)
from sdv.accounts.models import Profession
from sdv.common.catalogues import CatalogueError, Loaded, lines_of, store
from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import CareArea

DATA = Path(__file__).parent / "data"

YES_OR_NO = {"ja": True, "nej": False}
# An empty answer (Förbesök) is no: it is neither.
MAYBE_YES = YES_OR_NO | {"": False}
CONTACT_FORMS = {
    "fysiskt": ContactForm.PHYSICAL,
    "distans telefon": ContactForm.PHONE,
    "distans video": ContactForm.VIDEO,
}
NEW_OR_RETURN = {"nybesök": NewOrReturn.NEW, "återbesök": NewOrReturn.RETURN, "": ""}
ALL_VISIT_TYPES = "*"
# PA-07: what comes from the register is locked here; a temporary address has its days.
LOCKED_ADDRESSES = {"Bostadsadress", "Särskild postadress"}
DATED_ADDRESSES = {"Tillfällig adress"}
ADDRESS_KINDS = LOCKED_ADDRESSES | DATED_ADDRESSES | {"Faktureringsadress", "Utlandsadress"}

WAITING_LIST_HEADINGS = [
    "sdv_vantelista",
    "besokstyp",
    "vardomrade",
    "yrkeskategori",
    "typ_av_besok",
    "ny_ater",
    "vardkontaktsorsak",
    "anmarkning",
]
VISIT_TYPE_HEADINGS = [
    "besokstyp",
    "vardomrade",
    "yrkeskategori",
    "typ_av_besok",
    "ny_ater",
    "kraver_plats",
    "diagnostik",
    "minuter",
    "kalla",
]
LINK_HEADINGS = ["besokstyp", "vardkontaktsorsak", "kalla"]


@transaction.atomic
def load():
    """Loads all of it or nothing. Raises CatalogueError at the first unknown thing. Returns a Loaded per catalogue."""
    done = [*load_encounter_types()]
    areas, professions, kinds = load_care_areas(done), load_professions(done), load_visit_kinds(done)
    visit_types = load_visit_types(done, areas, professions, kinds)
    links = links_wanted()
    reasons = load_contact_reasons(done, links)
    load_links(done, links, visit_types, reasons)
    load_add_ons(done)
    load_address_kinds(done)
    load_problem_codes(done)
    load_fee_rates(done)
    load_guarantee_limits(done)
    return done


def load_encounter_types():
    """The six classes and twenty types (VH-02): changed by a release only."""
    classes = {row.class_code: row.class_name for row in TYPES.values()}
    loaded, _ = store(EncounterClass, [{"code": code, "name": name} for code, name in classes.items()])
    yield loaded
    wanted = [
        {
            "code": row.code,
            "name": row.name,
            "encounter_class_id": row.class_code,
            "used_by": row.used_by,
            "used_for": row.used_for,
            "requires_commitment": row.requires_commitment,
            "check_out": row.check_out,
            "discharge": row.discharge,
            "is_pre_registration": row.is_pre_registration,
            "note": row.note,
        }
        for row in TYPES.values()
    ]
    loaded, _ = store(EncounterType, wanted)
    yield loaded


def load_care_areas(done):
    """Vårdområden by name."""
    headings = ["forkortning", "vardomrade", "alias", "kalla"]
    lines = lines_of(DATA / "vardomraden.csv", headings) + lines_of(DATA / "uppfunnet_vardomraden.csv", headings)
    return _load_abbreviated(done, CareArea, lines, "vardomrade")


def load_professions(done):
    """Yrkeskategorier by name."""
    lines = lines_of(DATA / "yrkeskategorier.csv", ["forkortning", "yrkeskategori", "alias", "kalla"])
    return _load_abbreviated(done, Profession, lines, "yrkeskategori")


def _load_abbreviated(done, model, lines, heading):
    wanted = [
        {
            "code": code_of(line.required("forkortning")),
            "abbreviation": line["forkortning"],
            "name": line.required(heading),
            "alias": line["alias"],
            "source": line["kalla"],
        }
        for line in lines
    ]
    loaded, rows = store(model, wanted)
    done.append(loaded)
    return {fields["name"]: rows[fields["code"]] for fields in wanted}


def load_visit_kinds(done):
    """Typer av besök by name."""
    headings = ["typ_av_besok", "kan_vara_nybesok", "kan_vara_aterbesok", "form_av_kontakt", "beskrivning"]
    wanted = [
        {
            "code": code_of(line.required("typ_av_besok")),
            "name": line["typ_av_besok"],
            "source": line.file,
            "may_be_new": line.known("kan_vara_nybesok", MAYBE_YES),
            "may_be_return": line.known("kan_vara_aterbesok", MAYBE_YES),
            "contact_form": line.known("form_av_kontakt", CONTACT_FORMS),
            "description": line["beskrivning"],
        }
        for line in lines_of(DATA / "typ_av_besok.csv", headings)
    ]
    loaded, rows = store(VisitKind, wanted)
    done.append(loaded)
    return {fields["name"]: rows[fields["code"]] for fields in wanted}


def load_visit_types(done, areas, professions, kinds):
    """Besökstyper by name: those the waiting lists imply, those composed for primary care (BT-01), and the invented
    set of a specialist clinic."""
    wanted = {}
    lines = lines_of(DATA / "sdv_vantelistor.csv", WAITING_LIST_HEADINGS)
    for file in ("uppfunnet_besokstyper_primarvard.csv", "uppfunnet_besokstyper_specialiserad.csv"):
        lines += lines_of(DATA / file, VISIT_TYPE_HEADINGS)
    for line in lines:
        fields = visit_type_of(line, areas, professions, kinds)
        if wanted.setdefault(fields["name"], fields) != fields:
            line.stop(f"besökstypen {fields['name']} står redan med andra uppgifter")
    loaded, rows = store(VisitType, wanted.values())
    done.append(loaded)
    return {name: rows[fields["code"]] for name, fields in wanted.items()}


def visit_type_of(line, areas, professions, kinds):
    """The fields of a besökstyp; a name that is not put together of its parts stops the reading (BT-01, BT-02)."""
    area, profession = line.known("vardomrade", areas), line.known("yrkeskategori", professions)
    kind, new_or_return = line.known("typ_av_besok", kinds), line.known("ny_ater", NEW_OR_RETURN)
    name = line.required("besokstyp")
    composed = f"{area.abbreviation} {profession.abbreviation} {kind.name}"
    if name not in (composed, f"{composed} {line['ny_ater'].capitalize()}"):
        line.stop(f"besökstypen ”{name}” heter inte som sina delar: {composed}")
    if kind.needs_new_or_return and not new_or_return:
        line.stop(f"{kind.name} kräver nybesök eller återbesök")
    if new_or_return and not (kind.may_be_new if new_or_return == NewOrReturn.NEW else kind.may_be_return):
        line.stop(f"{kind.name} kan inte vara {line['ny_ater']}")
    fields = {
        "code": code_of(name),
        "name": name,
        "care_area_id": area.pk,
        "profession_id": profession.pk,
        "visit_kind_id": kind.pk,
        "new_or_return": new_or_return,
        "contact_form": kind.contact_form,
        "source": line.get("kalla", line.file),
    }
    if "minuter" in line:
        if not line["minuter"].isdigit():
            line.stop(f"minuter är inget tal: ”{line['minuter']}”")
        fields["default_minutes"] = int(line["minuter"])
        fields["requires_place"] = line.known("kraver_plats", YES_OR_NO)
        fields["is_diagnostic"] = line.known("diagnostik", YES_OR_NO)
    return fields


def links_wanted():
    """Which orsak can be chosen for which besökstyp (VO-02), as lines of the files."""
    lines = lines_of(DATA / "orsak_koppling.csv", LINK_HEADINGS)
    return lines + lines_of(DATA / "uppfunnet_orsak_koppling.csv", LINK_HEADINGS)


def load_contact_reasons(done, links):
    """Vårdkontaktsorsaker by name and alias. Those without any link are there for an administrator to link (VO-02)."""
    headings = ["vardkontaktsorsak", "alias", "ospecificerad", "endast_psykiatri", "kalla"]
    for_all = {line["vardkontaktsorsak"] for line in links if line["besokstyp"] == ALL_VISIT_TYPES}
    wanted = [
        {
            "code": code_of(line.required("vardkontaktsorsak")),
            "name": line["vardkontaktsorsak"],
            "alias": line["alias"],
            "is_unspecified": line.known("ospecificerad", YES_OR_NO),
            "is_psychiatry_only": line.known("endast_psykiatri", YES_OR_NO),
            "is_for_all_visit_types": line["vardkontaktsorsak"] in for_all,
            "source": line["kalla"],
        }
        for line in lines_of(DATA / "vardkontaktsorsaker.csv", headings)
    ]
    loaded, rows = store(ContactReason, wanted)
    done.append(loaded)
    by_name = {fields["name"]: rows[fields["code"]] for fields in wanted}
    by_alias = {fields["alias"]: rows[fields["code"]] for fields in wanted if fields["alias"]}
    return by_alias | by_name


def load_links(done, links, visit_types, reasons):
    """The links of VO-02. A link that an administrator has taken away does not come back."""
    loaded = Loaded(VisitTypeReason._meta.verbose_name_plural)
    present = set(VisitTypeReason.objects.values_list("visit_type_id", "contact_reason_id"))
    removed = removed_links()
    new = []
    for line in links:
        reason = line.known("vardkontaktsorsak", reasons)
        if line["besokstyp"] == ALL_VISIT_TYPES:
            continue
        link = (line.known("besokstyp", visit_types).pk, reason.pk)
        if link in present:
            loaded.unchanged += 1
        elif link in removed:
            loaded.kept += 1
        else:
            present.add(link)
            new.append(VisitTypeReason(visit_type_id=link[0], contact_reason_id=link[1], source=line["kalla"]))
    VisitTypeReason.objects.bulk_create(new)
    loaded.added = len(new)
    done.append(loaded)


def removed_links():
    """Links that were there once, as the change log remembers them."""
    rows = ChangeLogEntry.objects.filter(
        table_name=VisitTypeReason._meta.db_table, operation="delete", actor_id__isnull=False
    ).values_list("changed", flat=True)
    key = VisitTypeReason._meta.pk.to_python
    return {(key(row["visit_type_id"]), key(row["contact_reason_id"])) for row in rows}


def load_add_ons(done):
    """Tillvalskategorier (KA-02), with one tillval each to begin with: the instruction names categories only."""
    wanted = [
        {"code": code_of(line.required("kategori")), "name": line["kategori"], "source": line["kalla"]}
        for line in lines_of(DATA / "tillvalskategorier.csv", ["kategori", "kalla"])
    ]
    loaded, categories = store(AddOnCategory, wanted)
    done.append(loaded)
    add_ons = [
        {
            "code": fields["code"],
            "name": fields["name"].capitalize(),
            "category_id": categories[fields["code"]].pk,
            "source": "Uppfunnen: en för varje kategori",
        }
        for fields in wanted
    ]
    done.append(store(AddOn, add_ons)[0])


def load_address_kinds(done):
    """Adresstyper with their rules (PA-07)."""
    wanted = []
    for line in lines_of(DATA / "adresstyper.csv", ["typ", "regel"]):
        line.known("typ", {name: name for name in ADDRESS_KINDS})
        wanted.append(
            {
                "code": code_of(line["typ"]),
                "name": line["typ"],
                "source": line.file,
                "rule": line["regel"],
                "is_locked": line["typ"] in LOCKED_ADDRESSES,
                "requires_dates": line["typ"] in DATED_ADDRESSES,
            }
        )
    done.append(store(AddressKind, wanted)[0])


def load_problem_codes(done):
    """Problemkoder. No public list exists: these are invented and say so."""
    wanted = [
        {
            "code": line.required("kod").lower(),
            "name": line.required("problem"),
            "speciality": line["specialitet"],
            "source": line.required("kalla"),
        }
        for line in lines_of(DATA / "uppfunnet_problemkoder.csv", ["kod", "problem", "specialitet", "kalla"])
    ]
    done.append(store(ProblemCode, wanted)[0])


PURPOSES = {"besök": FeePurpose.VISIT, "uteblivet": FeePurpose.NO_SHOW}
LEVELS = {
    "primärvård": FeeLevel.PRIMARY,
    "specialistvård": FeeLevel.SPECIALISED,
    "akutmottagning": FeeLevel.EMERGENCY,
    "avgiftsfritt": FeeLevel.FREE,
}
STAFF = {"läkare": FeeStaff.DOCTOR, "sjuksköterska": FeeStaff.NURSE, "alla andra": FeeStaff.ANYONE}
WITH_REFERRAL = {"med": True, "utan": False, "": None}
FEE_HEADINGS = [
    "kod",
    "avser",
    "vard",
    "hos",
    "remiss",
    "belopp_kr",
    "giltig_fran",
    "giltig_till",
    "kalla",
]


def load_fee_rates(done):
    """Avgiftstaxan as it was read, with its source (PL-14). A code that is there already, whatever its amount, is the
    administrators': they add the year."""
    loaded = Loaded(FeeRate._meta.verbose_name_plural)
    known = set(FeeRate.objects.values_list("code", flat=True))
    new = []
    for line in lines_of(DATA / "avgiftstaxa.csv", FEE_HEADINGS):
        if line.required("kod") in known:
            loaded.unchanged += 1
            continue
        if not line["belopp_kr"].isdigit():
            line.stop(f"beloppet är inget tal: ”{line['belopp_kr']}”")
        new.append(
            FeeRate(
                code=line["kod"],
                purpose=line.known("avser", PURPOSES),
                level=line.known("vard", LEVELS),
                staff=line.known("hos", STAFF),
                with_referral=line.known("remiss", WITH_REFERRAL),
                amount=int(line["belopp_kr"]),
                valid_from=line["giltig_fran"] or None,
                valid_to=line["giltig_till"] or None,
                source=line.required("kalla"),
            )
        )
    FeeRate.objects.bulk_create(new)
    loaded.added = len(new)
    done.append(loaded)


GUARANTEES = {
    "bedömning i primärvård": GuaranteePurpose.ASSESSMENT,
    "första besök i specialistvård": GuaranteePurpose.FIRST_VISIT,
}
GUARANTEE_HEADINGS = ["kod", "benamning", "avser", "dagar", "giltig_fran", "giltig_till", "kalla"]


def load_guarantee_limits(done):
    """Vårdgarantins gränser as dated data (BO-04). A limit that is there is the administrators'."""
    loaded = Loaded(GuaranteeLimit._meta.verbose_name_plural)
    known = set(GuaranteeLimit.objects.values_list("code", flat=True))
    new = []
    for line in lines_of(DATA / "vardgaranti.csv", GUARANTEE_HEADINGS):
        if line.required("kod") in known:
            loaded.unchanged += 1
            continue
        new.append(
            GuaranteeLimit(
                code=line["kod"],
                name=line.required("benamning"),
                purpose=line.known("avser", GUARANTEES),
                days=int(line.required("dagar")),
                valid_from=line["giltig_fran"] or None,
                valid_to=line["giltig_till"] or None,
                source=line.required("kalla"),
            )
        )
    GuaranteeLimit.objects.bulk_create(new)
    loaded.added = len(new)
    done.append(loaded)


__all__ = ["CatalogueError", "load"]
