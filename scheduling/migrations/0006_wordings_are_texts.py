"""The one free text of a vårdkontaktsorsak becomes the first version of its wording (KA-01, KA-03)."""

from django.db import migrations


def move(apps, schema_editor):
    reasons = apps.get_model("registration", "ContactReason").objects.exclude(letter_wording__regex=r"^\s*$")
    texts = apps.get_model("scheduling", "LetterText").objects
    texts.bulk_create(
        texts.model(
            part="wording",
            contact_reason=reason,
            text=reason.letter_wording,
            source=reason.source or "Äldre ordalydelse",
        )
        for reason in reasons
    )


def move_back(apps, schema_editor):
    for text in apps.get_model("scheduling", "LetterText").objects.filter(part="wording", valid_to=None):
        reasons = apps.get_model("registration", "ContactReason").objects
        reasons.filter(pk=text.contact_reason_id).update(letter_wording=text.text)


class Migration(migrations.Migration):
    dependencies = [
        ("registration", "0014_fees_and_what_an_sms_may_say"),
        ("scheduling", "0005_letters_built_of_texts"),
    ]

    operations = [migrations.RunPython(move, move_back)]
