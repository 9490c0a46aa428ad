"""When a unit is open is what its tidböcker say, weekday by weekday, and its closures (BO-01, PL-02). The two clock times of
the unit were read by nothing, and one pair for every day of the week says less."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("organisation", "0004_sms_reminders")]

    operations = [
        migrations.RemoveField(model_name="careunit", name="opens_at"),
        migrations.RemoveField(model_name="careunit", name="closes_at"),
    ]
