"""The wording of a vårdkontaktsorsak is a kallelsetext with versions (KA-03)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("registration", "0014_fees_and_what_an_sms_may_say"),
        # What stood there has been moved.
        ("scheduling", "0006_wordings_are_texts"),
    ]

    operations = [migrations.RemoveField(model_name="contactreason", name="letter_wording")]
