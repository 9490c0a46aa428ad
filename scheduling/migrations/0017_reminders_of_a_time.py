import django.db.models.deletion
from django.db import migrations, models

# What was given to the outbox before was of the time that the booking had; the rows are otherwise never changed.
BACKFILL = """
    ALTER TABLE scheduling_reminder DISABLE TRIGGER pgtrigger_append_only_70700;
    UPDATE scheduling_reminder r SET start = a.start FROM scheduling_appointment a WHERE a.id = r.appointment_id;
    ALTER TABLE scheduling_reminder ENABLE TRIGGER pgtrigger_append_only_70700;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("organisation", "0004_sms_reminders"),
        ("scheduling", "0016_letters_that_did_not_go"),
    ]

    operations = [
        migrations.AddField(
            model_name="reminder",
            name="start",
            field=models.DateTimeField(null=True, verbose_name="tid som det påminns om"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="reminder",
            name="start",
            field=models.DateTimeField(verbose_name="tid som det påminns om"),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="appointment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reminders",
                to="scheduling.appointment",
                verbose_name="bokning",
            ),
        ),
        migrations.AddField(
            model_name="reminder",
            name="replaces",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scheduling.reminder",
                verbose_name="i stället för",
            ),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.UniqueConstraint(
                fields=("appointment", "replaces"),
                name="one_reminder_per_contact",
                nulls_distinct=False,
                violation_error_message="Patienten är redan påmind (PL-18).",
            ),
        ),
    ]
