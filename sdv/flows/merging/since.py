"""What was changed, removed or added between a merge and its undo (PL-13): nothing of it is lost, and somebody has to
look at it. The page shows it before the undo, and the undo keeps it."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from registration.models import Patient
from sdv.common.errors import RuleError

from ..models import MergeChange
from .tables import CARRIED, DOUBLES, UNCOUNTED, models, parents, rows_of, words

# What a message is about is no foreign key; keys are unique among all tables.
PLAIN_PARENTS = {"outbox.OutboxMessage": ("subject_id",)}

_CHANGED = """
SELECT c.row_id FROM flows_mergechange c JOIN {table} t ON t.id = c.row_id
WHERE c.merge_id = %s AND c."table" = %s AND left(md5(to_jsonb(t)::text), 4) <> c.checksum
ORDER BY c.row_id
"""
# A row that the old record has the like of by now cannot go back to it.
_HELD = """
SELECT n.id FROM {table} n JOIN flows_mergechange c ON c.row_id = n.id
WHERE c.merge_id = %(merge)s AND c."table" = %(label)s AND n.patient_id = %(target)s
    AND EXISTS (SELECT FROM {table} o WHERE o.patient_id = %(source)s AND ({double}))
"""

PROPOSALS = {
    "changed": "Ändrat efter sammanslagningen: går tillbaka som det är nu. Kontrollera på reservnumret.",
    "removed": "Borttaget efter sammanslagningen: går inte tillbaka. Registrera igen på reservnumret om det behövs.",
    "follows": "Tillkommet efter sammanslagningen på något som går tillbaka: följer med. Kontrollera på reservnumret.",
    "stays": "Tillkommet efter sammanslagningen: stannar på patienten. Gäller det den andra, registrera om det där.",
    "kept": "Ändrat efter sammanslagningen: står kvar på patienten. Kontrollera på båda.",
    "held": "Finns på båda: stannar på patienten. Kontrollera på båda.",
}


@dataclass(frozen=True)
class ToCheck:
    """Rows of one kind that somebody has to look at. `what`: changed, removed, follows, stays, kept, held."""

    what: str
    label: str
    name: str
    row_ids: tuple

    @property
    def count(self):
        return len(self.row_ids)

    @property
    def proposal(self):
        return PROPOSALS[self.what]

    def plain(self):
        """As it is kept with the merge: ids and kinds, nothing of the patient."""
        return {"what": self.what, "label": self.label, "name": self.name, "rows": [str(pk) for pk in self.row_ids]}


def kept(plain):
    """The other way round."""
    return ToCheck(plain["what"], plain["label"], plain["name"], tuple(plain["rows"]))


def since(done):
    """What an undo of the living merge would have to tell, as a list of ToCheck."""
    return _Walk(done).told()


class _Walk:
    """All rows of the present record, which of them the merge moved, and what hangs together."""

    def __init__(self, done):
        self.done = done
        self.moved = defaultdict(set)
        for label, pk in MergeChange.objects.filter(merge=done).values_list("table", "row_id"):
            self.moved[label].add(pk)
        self.rows, self.hangs_on = {}, {}
        for label, model in models():
            columns = [field.attname for field in parents(model)] + list(PLAIN_PARENTS.get(label, ()))
            found = rows_of(label, model, done.target_id).order_by("pk").values_list("pk", *columns)
            self.rows[label] = [pk for pk, *_ in found]
            self.hangs_on |= {pk: {parent for parent in on if parent} for pk, *on in found}
        self.names = {label: words(model) for label, model in models()}
        self.returning = {pk for label, pks in self.moved.items() for pk in pks} & set(self.hangs_on)
        self.following = self._follow()

    def _follow(self):
        """What was made after the merge and hangs on something that goes back, or carries it, goes with it."""
        new = {pk for pk in self.hangs_on if pk > self.done.pk} - self.returning
        going = set(self.returning)
        while True:
            carriers = {parent for pk in going for parent in self.hangs_on[pk]}
            found = {pk for pk in new - going if self.hangs_on[pk] & going or pk in carriers}
            if not found:
                return going - self.returning
            going |= found

    def torn(self):
        """Labels of rows of which one part would go back and the other stay."""
        going = self.returning | self.following
        staying = set(self.hangs_on) - going
        bad = {pk for pk in going if self.hangs_on[pk] & staying} | {pk for pk in staying if self.hangs_on[pk] & going}
        return [label for label, pks in self.rows.items() if bad & set(pks)]

    def told(self):
        found = []
        for label, model in models():
            here, moved = self.rows[label], self.moved[label]
            held = _held(self.done, label, model) if label in DOUBLES else []
            kinds = {
                "changed": [pk for pk in _changed(self.done, label, model) if pk not in held],
                "removed": sorted(moved - set(here)),
                "follows": [pk for pk in here if pk in self.following],
                "stays": [pk for pk in here if pk > self.done.pk and pk not in self.following and pk not in moved],
                "held": held,
            }
            if label in UNCOUNTED:
                kinds = {}
            found += [ToCheck(what, label, self.names[label], tuple(pks)) for what, pks in kinds.items() if pks]
        if _changed_facts(self.done):
            found.append(ToCheck("kept", Patient._meta.label, words(Patient), (self.done.target_id,)))
        return found

    def refusal(self):
        """Why the two cannot be taken apart, or None."""
        if not (labels := self.torn()):
            return None
        return RuleError(
            "PL-13",
            f"{self.names[labels[0]]} som tillkommit efter sammanslagningen hör till båda posterna."
            " Flytta eller avsluta den först, och ångra sedan.",
            code="torn",
        )


def _carried(done):
    """The fields that the merge carried over with what the present record said before, or nothing."""
    change = MergeChange.objects.filter(merge=done, table=Patient._meta.label).first()
    return change.before if change else {}


def give_back(done, source, target):
    """What an undo writes on the present record: as it was, where nobody has written since."""
    before = _carried(done)
    groups = [group for group in CARRIED if group[0] in before]
    return {name: before[name] for group in groups if _is_as_carried(group, source, target) for name in group}


def _changed_facts(done):
    before = _carried(done)
    return any(group[0] in before and not _is_as_carried(group, done.source, done.target) for group in CARRIED)


def _is_as_carried(group, source, target):
    return all(getattr(source, name) == getattr(target, name) for name in group)


def walk(done):
    """The walk itself, for the undo."""
    return _Walk(done)


def _changed(done, label, model):
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED.format(table=model._meta.db_table), [done.pk, label])
        return [pk for (pk,) in cursor.fetchall()]


def _held(done, label, model):
    statement = _HELD.format(table=model._meta.db_table, double=DOUBLES[label])
    with connection.cursor() as cursor:
        asked = {"merge": done.pk, "label": label, "source": done.source_id, "target": done.target_id}
        cursor.execute(statement, asked)
        return [pk for (pk,) in cursor.fetchall()]
