from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organisation", "0003_shared_lists")]

    operations = [
        migrations.AddField(
            model_name="careunit",
            name="sends_reminders",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Kryssas i när verksamhetschefen har beslutat om dem efter en riskanalys (HSLF-FS 2016:40).",
                verbose_name="SMS-påminnelser",
            ),
        ),
    ]
