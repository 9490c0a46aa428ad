"""The same act on each of several marked rows: whom it does not fit is told row by row before anything is saved, and the
person then leaves them out (PL-08)."""

from django.db import transaction

from registration.models import Patient
from scheduling import rules
from sdv.common.errors import InputError, RuleError

from . import working

# Each writes a letter: what one pile on the desk is.
MOST = 50
UNKNOWN = "Någon av raderna finns inte på enheten. Läs in listan igen."


class Misfits(RuleError):
    """Some of the rows do not fit: nothing has been saved. `rows` are (the row's id, refusal)."""

    def __init__(self, rule, rows, count, *, cannot, instead):
        self.rows = rows
        told = "1 av raderna" if len(rows) == 1 else f"{len(rows)} av raderna"
        super().__init__(
            rule,
            f"{told} kan inte få {cannot}. Lämna dem utanför för att {instead} till de andra {count - len(rows)}.",
            code="misfits",
        )
        self.errors = {str(pk): [f"{refused.sentence} Regel {refused.rule}."] for pk, refused in rows}


def marked(model, row_ids, care_unit, *, what):
    """The marked rows of the unit, each once: id → patient's id, the patients locked before any row, in the one order of
    locks."""
    ids = list(dict.fromkeys(row_ids))
    if not ids:
        raise InputError(rad="Markera minst en rad.")
    if len(ids) > MOST:
        raise InputError(rad=f"Markera högst {MOST} rader åt gången för {what}.")
    found = dict(model.objects.filter(pk__in=ids, care_unit=care_unit).values_list("pk", "patient_id"))
    if len(found) != len(ids):
        raise InputError(rad=UNKNOWN)
    list(Patient.objects.filter(pk__in=found.values()).locked())
    return found


def each(found, act, *, leave_out, by, at):
    """What `act` answered of each of the rows but those that are left out, and (id, why) of those that it refused; somebody
    else works with a row is also why (PL-27). The caller raises Misfits where there are any."""
    locks = working.working_with(found, at=at)
    made, refusals = [], []
    for pk in sorted(set(found) - set(leave_out), key=lambda row: (str(found[row]), str(row))):
        try:
            with transaction.atomic():
                lock = locks.get(pk)
                if lock and lock.user_id != by.pk:
                    raise rules.worked_with(lock.user.name, lock.taken_at)
                made.append(act(pk))
        except RuleError as refused:
            refusals.append((pk, refused))
    return made, refusals
