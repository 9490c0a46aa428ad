"""`python -m tests.crash.codes`: an administrator has said yes to a code list so long that it takes a while. Made up: the
categories A00–Z99, with ten codes under each. Nothing is printed."""

from datetime import date

import django

CODES = 26 * 100 * 11 + 2


def make():
    from classification.actions import imports
    from classification.actions.releases import ReleaseFacts
    from sdv.accounts.models import User
    from sdv.common.time import now
    from tests.classification import official_files as official

    rows = [
        official.icd_row("01", "Kapitel", level=official.CHAPTER),
        official.icd_row("A00-Z99", "Avsnitt", "01", official.BLOCK),
    ]
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        for number in range(100):
            category = f"{letter}{number:02d}"
            rows.append(official.icd_row(category, f"Kategori {category}", "A00-Z99", official.CATEGORY))
            rows += [
                official.icd_row(f"{category}.{place}", f"Kod {category} {place}", category, official.FOUR)
                for place in range(10)
            ]
    by, at = User.objects.first(), now()
    facts = ReleaseFacts("icd-10-se", "krasch", date(2026, 1, 1), "påhittad")
    found = imports.preview(facts=facts, files=[official.icd(rows)], by=by, at=at)
    imports.order(import_id=found.pk, by=by, at=at)


if __name__ == "__main__":
    django.setup()
    make()
