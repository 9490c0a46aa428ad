"""Why a record may not be merged into another, and why a merge may not be undone (RI-02, RI-03, SK-02, PL-13)."""

from registration import stay_rules
from registration.lifecycle import ONCE_AT_A_TIME
from registration.models import CareCommitment, Encounter, IdentityKind, ReserveDecision
from registration.population_register import RegisterIdentity, RegisterUnavailable, population_register
from sdv.common.errors import RuleError

from ..models import PatientMerge

NUMBERS = (IdentityKind.PERSONNUMMER, IdentityKind.SAMORDNINGSNUMMER)


def refusal(source, target, *, is_told_by_register=False):
    """Why the record `source` may not be merged into `target`, or None. `is_told_by_register`: the register itself says
    that both numbers are one person's (`told_as_one`)."""
    if source.pk == target.pk:
        return _no("Det är samma post. Välj den andra posten.", "same_record")
    if source.merged_into_id or target.merged_into_id:
        refused = _no("Posten är redan sammanslagen med en annan. Sök fram patienten igen.", "merged")
        first = PatientMerge.objects.filter(source__in=[source, target], undone_at=None).select_related("merged_by")
        return refused.told(first[0].merged_by, first[0].merged_at) if first else refused
    return (
        _direction(source, target, is_told_by_register)
        or _kept_apart(source, target)
        or _protection(source, target)
        or _death(source, target)
        or _commitments(source, target)
        or _stays(source, target)
    )


def _direction(source, target, is_told_by_register):
    """From a reserve number to a personnummer or samordningsnummer. Never between two personnummer: whose old and new
    number nobody may link (fingerade personuppgifter, SK-01) looks like any person."""
    old, present = _primary(source), _primary(target)
    if present is None or present.kind not in NUMBERS:
        return _no(
            "Posten slås samman med en på personnummer eller samordningsnummer. Sök fram den och börja där.",
            "target_without_number",
        )
    if old is not None and old.kind == IdentityKind.PERSONNUMMER:
        return _no(
            "En post på personnummer slås aldrig samman med en annan. Är personnumret fel rättas det hos Skatteverket.",
            "personnummer",
        )
    if old is not None and old.kind == IdentityKind.SAMORDNINGSNUMMER and not is_told_by_register:
        return _no(
            "Bara en post på reservnummer slås samman för hand. Att ett samordningsnummer ersatts av personnumret ska"
            " framgå av folkbokföringen; det gör det inte.",
            "not_told_by_register",
        )
    return None


def direction(one, other):
    """(source, target) of the two: the old record is the one whose number says less. Of equals the first is the old."""
    rank = {IdentityKind.PERSONNUMMER: 2, IdentityKind.SAMORDNINGSNUMMER: 1}
    numbers = {row.pk: rank.get(number.kind, 0) if (number := _primary(row)) else 0 for row in (one, other)}
    return (other, one) if numbers[one.pk] > numbers[other.pk] else (one, other)


def _kept_apart(source, target):
    if ReserveDecision.objects.filter(patient__in=[source, target]).exists():
        return RuleError(
            "RI-03",
            "Reservnumret finns efter verksamhetschefens beslut och kopplas aldrig till personnumret.",
            code="never_linked",
        )
    return None


def _protection(source, target):
    """What was held of a protected person is purged before the records meet (SK-02): nothing of it moves, and nothing
    comes back with an undo. The kinds may differ: a reserve number is only ever marked by hand (SK-03, SK-04)."""
    if source.is_protected == target.is_protected:
        return None
    if target.is_protected:
        sentence = (
            "Patienten har skyddade personuppgifter men inte posten på reservnummer. Sätt sekretessmarkering på den"
            " först; dess kontaktuppgifter rensas då."
        )
    else:
        sentence = (
            "Posten på reservnummer har sekretessmarkering men inte patienten. Sätt den på patienten också, eller låt"
            " support häva den."
        )
    return RuleError("SK-02", sentence, code="protection_differs")


def _death(source, target):
    if source.is_deceased == target.is_deceased:
        return None
    return _no(
        "Den ena posten är avliden och den andra inte. Registrera avliden på båda först, eller låt support ångra den"
        " som är fel.",
        "one_is_deceased",
    )


def _commitments(source, target):
    """VA-01: one open vårdåtagande per problem and unit."""
    own = set(CareCommitment.objects.open().filter(patient=target).values_list("care_unit_id", "problem_code_id"))
    rows = CareCommitment.objects.open().filter(patient=source).select_related("care_unit", "problem_code")
    for row in rows.order_by("pk"):
        if (row.care_unit_id, row.problem_code_id) in own:
            return RuleError(
                "VA-01",
                f"Båda posterna har ett öppet vårdåtagande för {row.problem_code.name} på {row.care_unit.name}."
                " Avsluta det ena först.",
                code="two_commitments",
            )
    return None


def _stays(source, target):
    """VH-09: who lies under one number lies nowhere else under the other, and is at an emergency department once."""
    rows = Encounter.objects.in_progress().filter(type__in=ONCE_AT_A_TIME).select_related("care_unit", "type")
    own = list(rows.filter(patient=target).order_by("pk"))
    for row in rows.filter(patient=source).order_by("pk"):
        for other in own:
            refused = stay_rules.two_at_once(row.type_id, row.care_unit_id, other)
            if refused and not refused.is_warning:
                return RuleError(
                    "VH-09",
                    f"Båda posterna har vård som pågår: {row.type.name} på {row.care_unit.short_name} och {other.type.name}"
                    f" på {other.care_unit.short_name}. Annullera den som registrerats dubbelt, eller skriv ut, först.",
                    code="two_stays",
                )
    return None


def is_own_repeat(source, target, *, by):
    """Whether the same person has just merged the two: a repeated click says nothing (PL-27)."""
    return PatientMerge.objects.filter(source=source, target=target, undone_at=None, merged_by=by).exists()


def latest(target):
    """The merge that an undo would take back, or None."""
    living = PatientMerge.objects.filter(target=target, undone_at=None)
    return living.select_related("source", "target", "merged_by").order_by("-id").first()


def undo_refusal(done, target):
    """Why the merge may not be undone now, or None (PL-13)."""
    if done.undone_at:
        return RuleError("PL-13", "Sammanslagningen är redan ångrad.", code="already_undone").told(
            done.undone_by, done.undone_at
        )
    if target.merged_into_id:
        return RuleError(
            "PL-13",
            "Posten är i sin tur sammanslagen med en annan. Ångra den sammanslagningen först.",
            code="merged_since",
        )
    if PatientMerge.objects.filter(target=target, undone_at=None, pk__gt=done.pk).exists():
        return RuleError(
            "PL-13",
            "En annan post har slagits samman med patienten senare. Ångra den sammanslagningen först.",
            code="not_the_latest",
        )
    if target.is_deceased != done.source.is_deceased:
        return RuleError(
            "AV-03",
            "Patienten har registrerats som avliden efter sammanslagningen. Låt support ångra avliden först, ångra"
            " sammanslagningen, och registrera sedan avliden på den post det gäller.",
            code="deceased_since",
        )
    return None


def told_as_one(source, target):
    """Whether the population register itself tells that the old record's number is the present person's: asked now,
    outside every lock. A register that does not answer tells nothing."""
    register, old, present = population_register(), _primary(source), _primary(target)
    if register is None or old is None or present is None or old.kind not in NUMBERS:
        return False
    asked = RegisterIdentity(present.kind, present.value)
    try:
        record = register.fetch([asked]).get(asked)
    except RegisterUnavailable:
        return False
    return record is not None and RegisterIdentity(old.kind, old.value) in {
        each.identity for each in (*record.linked, *record.referred)
    }


def _primary(patient):
    return patient.identities.filter(is_primary=True).first()


def _no(sentence, code):
    return RuleError("RI-02", sentence, code=code)
