"""A person who is away is so at every unit: what is asked is asked of a moment, not of a resource, and who changed an
absence last is told (PL-02, PL-27).

What absences that are already registered come to hit at other units is put in Ombokningar by the job rebooking-check."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organisation", "0005_opening_hours_are_the_tidbockers"),
        ("scheduling", "0022_one_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="absence",
            name="changed_at",
            field=models.DateTimeField(null=True, verbose_name="ändrad"),
        ),
        migrations.AddField(
            model_name="absence",
            name="changed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="absence",
            index=django.contrib.postgres.indexes.GistIndex(
                condition=models.Q(("withdrawn_at__isnull", True)), fields=["period"], name="absence_by_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="absence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("changed_at__isnull", True), ("changed_by__isnull", True)),
                    models.Q(("changed_at__isnull", False), ("changed_by__isnull", False)),
                    _connector="OR",
                ),
                name="absence_change_says_who_and_when",
            ),
        ),
    ]
