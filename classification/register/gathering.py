"""Reads what a delivery is made of: the contacts of a care provider in a period, with codes, identity and unit, in a few
statements for each thousand contacts (PAR-01)."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Prefetch, Q

from classification import derived
from classification.deriving import derived_of, registration_of, with_derivation
from classification.models import (
    CodedDiagnosis,
    CodedExternalCause,
    CodedProcedure,
    CodedSubstance,
    CodeList,
    DeliveredContact,
    DeliveryState,
    Evidence,
    RegisterCode,
    RegisterDelivery,
    RegisterLayout,
)
from classification.register import review, selection, writing
from classification.register.contents import Coded, Content, Finding, findings
from classification.register.fields import DOUBTFUL, FIELDS, FILES, NOT_REGISTERED
from registration.lifecycle import EMERGENCY, INPATIENT, NEWBORN, NOT_REPORTED, PRIMARY_CARE
from registration.models import Encounter, Patient
from registration.presenters import identities_of
from registration.stay_rules import AdmittedFrom, DischargedTo
from sdv.common.errors import RuleError
from sdv.common.time import local_date, start_of_day
from sdv.organisation.models import PRIMARY_CARE_KINDS, CareUnitKind

AT_A_TIME = 1000
# Refused by what they are, whatever else is true of them: not read at all.
NEVER = (*NOT_REPORTED, PRIMARY_CARE, NEWBORN)

# What is registered, by the register's own codes (par_koder.csv says how each is known).
WAYS = {
    AdmittedFrom.HOSPITAL: "1",
    AdmittedFrom.SPECIAL_HOUSING: "2",
    AdmittedFrom.HOME: "3",
    DischargedTo.DECEASED: "4",
}
PLANNED_CODES = {True: "1", False: "2"}


class Who(NamedTuple):
    """A contact that something is said of: told by number, never by whose it is."""

    pk: object
    number: int
    care_unit_id: object


@dataclass
class Prepared:
    """A delivery as it would be made now. `findings` are (Who, Finding); `refused` counts contacts by why not,
    `left_out` tells it of each: (Who, sentence)."""

    layout: writing.Layout
    layout_row: RegisterLayout
    period: selection.Period
    contents: list = field(default_factory=list)
    encounters: list = field(default_factory=list)
    files: list = field(default_factory=list)
    findings: list = field(default_factory=list)
    refused: Counter = field(default_factory=Counter)
    left_out: list = field(default_factory=list)
    held_back: int = 0
    tally: review.Tally = field(default_factory=review.Tally)
    volumes: list = field(default_factory=list)

    @property
    def inpatient(self):
        return sum(content.subset == selection.INPATIENT_SUBSET for content in self.contents)

    @property
    def outpatient(self):
        return len(self.contents) - self.inpatient

    @property
    def review(self):
        """What there is to say of the delivery as a whole, as it is kept."""
        return review.kept(self.tally.shares(), self.volumes)

    @property
    def not_registered(self):
        """(field, why) of what the layout asks for and nobody registers yet: written empty."""
        asked = {row.field for row in self.layout.fields}
        return [(FIELDS[name], why) for name, why in NOT_REGISTERED.items() if name in asked]

    @property
    def doubtful(self):
        """(field, why) of what is written by codes that nobody has verified."""
        asked = {row.field for row in self.layout.fields}
        return [(FIELDS[name], why) for name, why in DOUBTFUL.items() if name in asked]


def layout_of(row):
    """The layout as the writer reads it."""
    return writing.Layout(
        version=row.version,
        regulation=row.regulation,
        is_verified=row.is_verified,
        file_name=row.file_name,
        has_header=row.has_header,
        line_ending=row.line_ending,
        encoding=row.encoding,
        fields=tuple(
            writing.Field(
                subset=each.subset,
                file=each.file,
                position=each.position,
                field=each.field,
                format=each.format,
                max_length=each.max_length,
                is_required=each.is_required,
                code_list=each.code_list,
            )
            for each in row.fields.order_by("subset", "file", "position")
        ),
    )


def prepare(reporter, period, *, care_unit=None):
    """Everything of a delivery, nothing saved; with `care_unit` that unit's part of it, to look at. Raises RuleError
    where no layout can be followed."""
    row = RegisterLayout.objects.for_day(period.last)
    if row is None:
        raise RuleError("PAR-01", f"Ingen layout gäller {period.last.isoformat()}. Ange en under Kataloger.")
    layout = layout_of(row)
    if refused := writing.layout_refusal(layout):
        raise refused
    prepared = Prepared(layout, row, period)
    known, psychiatry = known_codes(), psychiatry_codes()
    found = candidates(reporter.care_provider, period)
    if care_unit is not None:
        found = found.filter(care_unit=care_unit)
    for encounter in found.iterator(chunk_size=AT_A_TIME):
        _take(prepared, encounter, known, psychiatry)
    prepared.findings += _overlaps(prepared)
    prepared.findings += _gone(prepared, reporter, care_unit)
    prepared.volumes = review.volumes(_by_month(prepared), delivered_before(reporter, period, care_unit), period)
    prepared.files = writing.write(prepared.contents, layout, file_code=reporter.file_code, period=period)
    return prepared


def _take(prepared, encounter, known, psychiatry):
    who = Who(encounter.pk, encounter.number, encounter.care_unit_id)
    if refused := selection.refusal(contact_of(encounter, psychiatry), prepared.period):
        prepared.refused[refused.code, refused.sentence] += 1
        prepared.left_out.append((who, refused.sentence))
        return
    content = content_of(encounter)
    prepared.tally.add(content)
    found = findings(content, known)
    found += [
        Finding(True, "not_writable", f"{FIELDS[wrong.field]} i {FILES[wrong.file].lower()} {what}.")
        for wrong, what in writing.faults(content, prepared.layout, known)
        if not any(finding.is_error for finding in found)
    ]
    prepared.findings += [(who, finding) for finding in found]
    if any(finding.is_error for finding in found):
        prepared.held_back += 1
        return
    prepared.contents.append(content)
    prepared.encounters.append(encounter.pk)


def known_codes():
    """{code list: codes} of the lists that can be asked. The register's own with a value that nobody has verified are
    not: what is missing in them may be our fault. Who reports enters MVO and hospitals, and answers for them."""
    by_list = {}
    doubtful = set()
    for code_list, code, evidence in RegisterCode.objects.values_list("code_list", "code", "evidence"):
        by_list.setdefault(code_list, set()).add(code)
        if evidence == Evidence.UNVERIFIED and code_list not in (CodeList.MVO, CodeList.HOSPITAL):
            doubtful.add(code_list)
    return {name: frozenset(codes) for name, codes in by_list.items() if name not in doubtful}


def psychiatry_codes():
    """The MVO that the region counts as psychiatric open care."""
    return set(
        RegisterCode.objects.filter(code_list=CodeList.MVO, counts_as_psychiatry=True).values_list("code", flat=True)
    )


def candidates(care_provider, period):
    """Contacts that may be delivered, with all that is read of them, in the order of their numbers."""
    begins, ends = start_of_day(period.first), start_of_day(period.last + timedelta(days=1))
    stays = Q(type=INPATIENT, start__lt=ends) & (Q(end__isnull=True) | Q(end__gte=begins))
    visits = ~Q(type=INPATIENT) & Q(start__gte=begins, start__lt=ends)
    found = Encounter.objects.filter(stays | visits, care_unit__facility__care_provider=care_provider)
    found = found.exclude(type__in=NEVER).exclude(care_unit__kind__in=PRIMARY_CARE_KINDS)
    return with_contents(found).order_by("number")


def with_contents(encounters):
    """The queryset with what `content_of` reads."""

    def chosen(path, model):
        return Prefetch(path, model.objects.select_related("code__release").order_by("position"))

    return with_derivation(encounters.select_related("type", "care_unit__reporting", "coding")).prefetch_related(
        Prefetch("patient", Patient.objects.with_primary_identity()),
        chosen("coding__diagnoses", CodedDiagnosis),
        chosen("coding__diagnoses__external_causes", CodedExternalCause),
        chosen("coding__diagnoses__atc", CodedSubstance),
        chosen("coding__procedures", CodedProcedure),
        chosen("coding__procedures__atc", CodedSubstance),
        chosen("coding__atc", CodedSubstance),
    )


def contact_of(encounter, psychiatry):
    """The facts that the selection asks for. Its type, besökstyp, unit and participants are read."""
    registered = registration_of(encounter)
    return selection.Contact(
        encounter_type=encounter.type_id,
        type_name=encounter.type.name,
        status=encounter.status,
        started=local_date(encounter.start),
        ended=local_date(encounter.end) if encounter.end else None,
        is_primary_care=encounter.care_unit.is_primary_care,
        is_psychiatry=encounter.care_unit.mvo_code in psychiatry,
        professions=registered.professions,
        contact_type=registered.contact_type,
        replaces_visit=encounter.replaces_visit,
        is_assessed=encounter.assessed_at is not None,
    )


def content_of(encounter):
    """Everything that a file can hold of the contact. Of a protected person too: what is read is the number, the sex
    and the day of death, which SK-02 leaves visible."""
    primary = next((row for row in identities_of(encounter.patient) if row.is_primary), None)
    reporting = getattr(encounter.care_unit, "reporting", None)
    coding = getattr(encounter, "coding", None)
    reported = derived_of(encounter)
    # Regional codes are nobody's in a national register.
    procedures = [row for row in coding.procedures.all() if row.code.system_id == derived.KVA] if coding else []
    chosen = tuple(_procedure(row) for row in procedures)
    is_emergency = encounter.type_id == EMERGENCY
    at_emergency = encounter.care_unit.kind == CareUnitKind.EMERGENCY
    return Content(
        key=encounter.number,
        subset=selection.INPATIENT_SUBSET if encounter.type_id == INPATIENT else selection.OUTPATIENT_SUBSET,
        start=encounter.start,
        end=encounter.end,
        unit=encounter.care_unit_id,
        patient=encounter.patient_id,
        mvo=encounter.care_unit.mvo_code,
        hospital=reporting.hospital_code if reporting else "",
        identity=primary.value if primary else "",
        identity_kind=primary.kind if primary else "",
        sex=encounter.patient.sex if encounter.patient.sex in "12" else "",
        municipality=municipality_of(encounter.patient),
        planned=PLANNED_CODES.get(encounter.is_planned, ""),
        admitted_from=WAYS.get(encounter.admitted_from, ""),
        discharged_to=WAYS.get(encounter.discharged_to, ""),
        assessed=encounter.assessed_at,
        emergency=(reporting.emergency_activity if reporting else "") or ("" if at_emergency else "0"),
        is_emergency=is_emergency,
        died=encounter.patient.deceased_on,
        is_complete=encounter.is_coded,
        diagnoses=tuple(_diagnosis(row) for row in coding.diagnoses.all()) if coding else (),
        procedures=(*chosen, *_added(encounter, reported, chosen)),
        substances=tuple(row.code.code for row in coding.atc.all()) if coding else (),
        missing=reported.missing,
    )


def municipality_of(patient):
    """Län and kommun as the population register tells them, both or none; never of a protected person (SK-02)."""
    if patient.is_protected or not (patient.county_code and patient.municipality_code):
        return ""
    return f"{patient.county_code}{patient.municipality_code}"


def _added(encounter, reported, chosen):
    """What is derived at reporting (KL-04), once: a code that somebody has typed is not added again."""
    typed = {row.code for row in chosen}
    day = local_date(encounter.start)
    return tuple(
        Coded(code.code, day=day) for code in reported.codes if code.system == derived.KVA and code.code not in typed
    )


def _coded(row, **under):
    code = row.code
    # A code's own days, where it has any, lie within its release's.
    first = max(filter(None, (code.valid_from, code.release.valid_from)), default=None)
    last = min(filter(None, (code.valid_to, code.release.valid_to)), default=None)
    return Coded(code.code, valid_from=first, valid_to=last, **under)


def _diagnosis(row):
    return _coded(
        row,
        atc=tuple(substance.code.code for substance in row.atc.all()),
        external_causes=tuple(cause.code.code for cause in row.external_causes.all()),
    )


def _procedure(row):
    return _coded(row, atc=tuple(substance.code.code for substance in row.atc.all()), day=row.date)


def _overlaps(prepared):
    """A stay that begins at a unit while the same person is still there: a move within a klinik is no new stay."""
    stays = {}
    for content, pk in zip(prepared.contents, prepared.encounters, strict=True):
        if content.subset == selection.INPATIENT_SUBSET:
            stays.setdefault((content.patient, content.unit), []).append((content, pk))
    for together in stays.values():
        together.sort(key=lambda each: (each[0].start, each[0].key))
        for (before, _), (after, pk) in itertools.pairwise(together):
            if before.end is None or before.ended >= after.started:
                detail = f"Börjar medan vårdhändelse {before.key} pågick på samma enhet. Flytt inom enheten är inget nytt vårdtillfälle."
                yield Who(pk, after.key, after.unit), Finding(False, "overlapping_stay", detail)


def _gone(prepared, reporter, care_unit):
    """What was delivered last time, belongs to the period and is not there now: it is taken as removed."""
    last = latest_delivery(reporter)
    if last is None:
        return
    begins = start_of_day(prepared.period.first)
    gone = (
        DeliveredContact.objects.filter(delivery=last)
        .filter(Q(encounter__end__isnull=True) | Q(encounter__end__gte=begins))
        .exclude(encounter__in=prepared.encounters)
        .select_related("encounter")
    )
    if care_unit is not None:
        gone = gone.filter(encounter__care_unit=care_unit)
    for row in gone:
        who = Who(row.encounter_id, row.encounter.number, row.encounter.care_unit_id)
        yield who, Finding(False, "gone", "Lämnades förra gången men kommer inte med nu: tas då bort ur registret.")


def _by_month(prepared):
    """{(unit, month): contacts} of what would be delivered. A stay that began before the period is of its own month."""
    starts = ((content.unit, content.started.replace(day=1)) for content in prepared.contents)
    return Counter((unit, month) for unit, month in starts if month >= prepared.period.first)


def delivered_before(reporter, period, care_unit=None):
    """The same of the three months before, as they were last delivered."""
    before = selection.period_ending(period.first - timedelta(days=1))
    begins, ends = start_of_day(before.first), start_of_day(period.first)
    kept = DeliveredContact.objects.filter(delivery__reporter=reporter).exclude(delivery__state=DeliveryState.DISCARDED)
    kept = kept.filter(encounter__start__gte=begins, encounter__start__lt=ends)
    if care_unit is not None:
        kept = kept.filter(encounter__care_unit=care_unit)
    rows = kept.values_list("encounter_id", "encounter__care_unit_id", "encounter__start").distinct()
    return Counter((unit, local_date(start).replace(day=1)) for _, unit, start in rows)


def latest_delivery(reporter):
    """The last delivery of the reporter that has not been discarded."""
    kept = RegisterDelivery.objects.filter(reporter=reporter).exclude(state=DeliveryState.DISCARDED)
    return kept.order_by("-made_at", "-id").first()


def why_not(encounter, period):
    """Why the contact is not delivered for the period, or None; for the page of one contact."""
    return selection.refusal(contact_of(encounter, psychiatry_codes()), period)
