"""A person is booked once at a time, at however many units (PL-06)."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

DOUBLE_BOOKED = """
    SELECT one.id, other.id
    FROM scheduling_resource whose
    JOIN scheduling_resource again ON again.practitioner_id = whose.practitioner_id AND again.kind = 'person'
        AND again.id <> whose.id
    JOIN scheduling_resourcebooking one ON one.resource_id = whose.id
    JOIN scheduling_resourcebooking other ON other.resource_id = again.id AND other.seat = one.seat
        AND other.period && one.period
    WHERE whose.kind = 'person' AND one.id < other.id
    ORDER BY one.id, other.id
"""
FILL = """
    UPDATE scheduling_resourcebooking booking SET practitioner_id = resource.practitioner_id
    FROM scheduling_resource resource WHERE resource.id = booking.resource_id AND resource.kind = 'person'
"""


def refuse_double_booked(apps, schema_editor):
    """Which of two bookings is to be moved is people's to decide: nothing is changed before they have."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DOUBLE_BOOKED)
        pairs = [f"{one} och {other}" for one, other in cursor.fetchall()]
    if pairs:
        raise RuntimeError(
            f"{len(pairs)} par av rader i scheduling_resourcebooking bokar samma person på två resurser samtidigt (PL-06)."
            " Boka om eller avboka den ena i varje par, eller ge den en annan plats (seat) om personen verkligen är"
            f" överbokad, och kör migreringen igen: {'; '.join(pairs)}."
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("scheduling", "0021_who_took_a_request_over"),
    ]

    operations = [
        migrations.RunPython(refuse_double_booked, migrations.RunPython.noop),
        migrations.AddField(
            model_name="resourcebooking",
            name="practitioner",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.practitioner",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="resource",
            trigger=pgtrigger.compiler.Trigger(
                name="bookings_follow_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."practitioner_id" IS DISTINCT FROM (NEW."practitioner_id"))',
                    func="\n                    UPDATE scheduling_resourcebooking SET resource_id = resource_id WHERE resource_id = NEW.id;\n                    RETURN NULL;\n                ",
                    hash="03bcefbc4579198031cf6fa7872864f3e735b217",
                    operation="UPDATE",
                    pgid="pgtrigger_bookings_follow_person_c3cc5",
                    table="scheduling_resource",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="resourcebooking",
            trigger=pgtrigger.compiler.Trigger(
                name="person_of_the_resource",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    NEW.practitioner_id = (SELECT practitioner_id FROM scheduling_resource\n                                           WHERE id = NEW.resource_id AND kind = 'person');\n                    RETURN NEW;\n                ",
                    hash="bd1bdd5f6fa3e2485c816d642857baf52bac59d4",
                    operation='INSERT OR UPDATE OF "resource_id", "practitioner_id"',
                    pgid="pgtrigger_person_of_the_resource_572a3",
                    table="scheduling_resourcebooking",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="resourcebooking",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("practitioner__isnull", False)),
                expressions=[("practitioner", "="), ("seat", "="), ("period", "&&")],
                name="person_never_double_booked",
                violation_error_message="Personen är redan bokad då, här eller på en annan enhet (PL-06).",
            ),
        ),
    ]
