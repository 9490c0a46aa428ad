"""Facts about a contact that other systems tell: notes in the medical record and cashier transactions (VH-12, DI-04,
AG-01). Each may be told twice."""

from django.db import IntegrityError, transaction

from registration import lifecycle
from registration.actions import encounters
from registration.models import CashTransaction, EncounterDocument
from sdv.common.errors import RuleError

_KNOWN_TO_THE_CASHIER = "Kassans id finns redan med annat belopp eller annan vårdhändelse."


@transaction.atomic
def report_document(*, encounter_id, kind, external_id, by, at):
    """The medical record tells that a note exists (VH-12, DI-04). Telling it twice changes nothing."""
    encounter = encounters.lock(encounter_id)
    if refused := lifecycle.facts_refusal(encounter.type_id, "journaldokumentation"):
        raise refused
    document, _ = EncounterDocument.objects.update_or_create(
        encounter=encounter, external_id=external_id, defaults={"kind": kind, "removed_at": None}
    )
    return document


@transaction.atomic
def remove_document(*, encounter_id, external_id, by, at):
    """The medical record tells that a note is void."""
    encounter = encounters.lock(encounter_id)
    if refused := lifecycle.read_only_refusal(encounter.type_id):
        raise refused
    document = EncounterDocument.objects.get(encounter=encounter, external_id=external_id)
    document.removed_at = at
    document.save(update_fields=["removed_at"])
    return document


@transaction.atomic
def report_cash_transaction(*, encounter_id, external_id, amount, by, at, reverses=""):
    """The cashier tells a transaction, or the reversal in full of one (VH-12, AG-01). SEK."""
    encounter = encounters.lock(encounter_id)
    if refused := lifecycle.facts_refusal(encounter.type_id, "kassatransaktioner"):
        raise refused
    if known := CashTransaction.objects.filter(external_id=external_id).first():
        if known.encounter_id == encounter.pk and known.amount == amount:
            return known
        raise RuleError("AG-01", _KNOWN_TO_THE_CASHIER, code="duplicate")
    reversed_transaction = None
    if reverses:
        reversed_transaction = CashTransaction.objects.filter(encounter=encounter, external_id=reverses).first()
        if reversed_transaction is None:
            raise RuleError("AG-01", "Transaktionen som ska återföras finns inte på vårdhändelsen.", code="unknown")
        if amount != -reversed_transaction.amount:
            raise RuleError("AG-01", "En återföring är hela beloppet med omvänt tecken.", code="partial_reversal")
        if CashTransaction.objects.filter(reverses=reversed_transaction).exists():
            raise RuleError("AG-01", "Transaktionen är redan återförd.", code="already_reversed")
    try:
        with transaction.atomic():
            return CashTransaction.objects.create(
                encounter=encounter, external_id=external_id, amount=amount, reverses=reversed_transaction
            )
    except IntegrityError:
        # Told for another vårdhändelse at the same moment: the lock on this one does not hold that back.
        raise RuleError("AG-01", _KNOWN_TO_THE_CASHIER, code="duplicate") from None
