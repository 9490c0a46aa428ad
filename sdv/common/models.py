"""What every table has in common: time-ordered keys, versions, the change log."""

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models

from .uuid7 import UUIDv7, uuid7


class Row(models.Model):
    """A row with a UUIDv7 key. The Python default serves the ORM, the database default serves SQL."""

    id = models.UUIDField(primary_key=True, default=uuid7, db_default=UUIDv7(), editable=False)

    class Meta:
        abstract = True


class LockingQuerySet(models.QuerySet):
    def locked(self):
        """Rows this transaction will change, always taken in key order. The only way to lock.

        Order between kinds: patient, commitment, encounter, resource, session, appointment."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Versioned(Row):
    """A row that people and systems change at the same time: `version` is its ETag."""

    version = models.PositiveIntegerField("version", default=1, db_default=1, editable=False)

    class Meta:
        abstract = True


class CatalogueQuerySet(models.QuerySet):
    def valid_on(self, day):
        """Rows that may be chosen on the day."""
        return self.filter(models.Q(valid_from__isnull=True) | models.Q(valid_from__lte=day)).filter(
            models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=day)
        )


def require_days_in_order(row):
    """For `clean()` of a row with days. Said before the constraints are tried: of a last day before the first, PostgreSQL
    cannot even be asked what it overlaps."""
    if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
        raise ValidationError({"valid_to": "Sista dagen ska inte ligga före den första."})


class CatalogueRow(Row):
    """A row of a catalogue that administrators maintain. Never deleted once used: it gets an end date instead."""

    code = models.SlugField("kod", max_length=120, unique=True, allow_unicode=False)
    name = models.CharField("benämning", max_length=200)
    source = models.CharField("källa", max_length=200, blank=True, help_text="Instruktionens avsnitt, eller uppfunnen")
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self):
        return self.name

    def clean(self):
        require_days_in_order(self)


class ChangeLogEntry(Row):
    """One changed row: what, when and by whom. Written by statement-level triggers only; partitioned by month.

    `changed` maps a column to [before, after]; for tables with personal data only the columns' names are kept, so that
    a protected person's data can be purged (SK-02)."""

    at = models.DateTimeField("tidpunkt")
    table_name = models.CharField("tabell", max_length=80)
    row_id = models.CharField("rad", max_length=80)
    operation = models.CharField("händelse", max_length=6)
    changed = models.JSONField("ändring", null=True)
    actor_id = models.UUIDField("användare", null=True)
    request_id = models.CharField("anrop", max_length=64, blank=True)

    class Meta:
        verbose_name = "ändring"
        verbose_name_plural = "ändringslogg"
        indexes = [models.Index(fields=["table_name", "row_id", "id"], name="change_log_by_row")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]


def append_only():
    """The trigger of a table whose rows are never changed or deleted."""
    return pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


def change_log(*, personal=False, apart_from=(), without_values=()):
    """Statement-level triggers that write the change log for a table (row-level costs fourteen seconds for fifty
    thousand rows, statement-level under one). `personal` tables keep the names of changed columns without values.
    `without_values` names the columns of other tables of which the same is true: copies of what a person is.
    `apart_from` names columns that tell when something was looked up: a row where nothing else changed is no change."""
    columns = "(id, at, table_name, row_id, operation, changed, actor_id, request_id)"
    context = "NULLIF(current_setting('pghistory.context_metadata', true), '')::jsonb"
    who = f"({context}->>'actor')::uuid, COALESCE({context}->>'request', '')"

    def differences(value):
        return (
            f"(SELECT jsonb_object_agg(before.key, {value}) FROM jsonb_each(to_jsonb(o)) before"
            " JOIN jsonb_each(to_jsonb(n)) after USING (key) WHERE before.value IS DISTINCT FROM after.value)"
        )

    value = "jsonb_build_array(before.value, after.value)"
    if without_values:
        hidden = ", ".join(f"'{column}'" for column in without_values)
        value = f"CASE WHEN before.key IN ({hidden}) THEN 'null'::jsonb ELSE {value} END"
    changed = differences("NULL::jsonb" if personal else value)
    gone = "NULL::jsonb" if personal else "to_jsonb(o)" + "".join(f" - '{column}'" for column in without_values)
    noise = "".join(f" - '{column}'" for column in apart_from)
    is_change = f" WHERE to_jsonb(o){noise} IS DISTINCT FROM to_jsonb(n){noise}" if apart_from else ""
    into = f"INSERT INTO common_changelogentry {columns} SELECT uuidv7(), now(), TG_TABLE_NAME,"
    return [
        pgtrigger.Trigger(
            name="log_insert",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            referencing=pgtrigger.Referencing(new="new_rows"),
            func=f"{into} n.id::text, 'insert', NULL::jsonb, {who} FROM new_rows n; RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="log_update",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            referencing=pgtrigger.Referencing(old="old_rows", new="new_rows"),
            func=f"{into} n.id::text, 'update', {changed}, {who} FROM old_rows o JOIN new_rows n USING (id)"
            f"{is_change}; RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="log_delete",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Delete,
            referencing=pgtrigger.Referencing(old="old_rows"),
            func=f"{into} o.id::text, 'delete', {gone}, {who} FROM old_rows o; RETURN NULL;",
        ),
    ]
