import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0026_living_bookings_of_a_unit"),
    ]

    operations = [
        migrations.AddField(
            model_name="bookingrequest",
            name="plan",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scheduling.visitplan",
                verbose_name="besöksplan",
            ),
        ),
    ]
