import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0020_add_ons_have_a_trail"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="bookingrequest",
            name="taken_over_at",
            field=models.DateTimeField(null=True, verbose_name="övertagen"),
        ),
        migrations.AddField(
            model_name="bookingrequest",
            name="taken_over_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="övertagen av",
            ),
        ),
        migrations.AddConstraint(
            model_name="bookingrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("taken_over_at__isnull", True),
                    ("taken_over_by__isnull", True),
                )
                | models.Q(
                    ("taken_over_at__isnull", False),
                    ("taken_over_by__isnull", False),
                ),
                name="booking_request_taken_over_says_who_and_when",
            ),
        ),
    ]
