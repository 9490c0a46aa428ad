from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0019_filters_from_one_session_to_the_next")]

    operations = [
        migrations.AlterField(
            model_name="appointmenthistory",
            name="event",
            field=models.CharField(
                choices=[
                    ("booked", "Bokad"),
                    ("rescheduled", "Ombokad"),
                    ("cancelled", "Avbokad"),
                    ("arrived", "Ankommen"),
                    ("no_show", "Utebliven"),
                    ("undone", "Ångrad"),
                    ("restored", "Återställd"),
                    ("add_ons", "Tillval ändrade"),
                ],
                max_length=20,
                verbose_name="händelse",
            ),
        ),
    ]
