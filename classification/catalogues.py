"""Loads what deliveries to registers start from: the made-up layout and the small code lists of classification/data.
What somebody has entered or changed in the administration is never touched. Called by manage.py load_catalogues."""

from datetime import date
from pathlib import Path

from django.db import transaction

from classification.models import CodeList, Evidence, RegisterCode, RegisterLayout, RegisterLayoutField
from classification.register.fields import FIELDS, FILES, FORMATS, SUBSETS
from sdv.common.catalogues import Loaded, lines_of

DATA = Path(__file__).parent / "data"
PLACEHOLDER = "platshållare 1"
LAYOUT_HEADINGS = ["delmangd", "fil", "plats", "uppgift", "format", "langd", "maste_finnas", "kodlista", "anmarkning"]
CODE_HEADINGS = ["kodlista", "kod", "benamning", "belagg", "kalla"]


@transaction.atomic
def load():
    """All of it or nothing (PAR-01). Raises CatalogueError at the first unknown thing."""
    return [_load_codes(), _load_layout()]


def _load_codes():
    made = kept = 0
    for line in lines_of(DATA / "par_koder.csv", CODE_HEADINGS):
        line.known("kodlista", dict.fromkeys(CodeList.values))
        line.known("belagg", dict.fromkeys(Evidence.values))
        _, is_new = RegisterCode.objects.get_or_create(
            code_list=line["kodlista"],
            code=line.required("kod"),
            defaults={"name": line.required("benamning"), "evidence": line["belagg"], "source": line["kalla"]},
        )
        made, kept = made + is_new, kept + (not is_new)
    return Loaded("koder i registrets kodlistor", added=made, unchanged=kept)


def _load_layout():
    fields = []
    for line in lines_of(DATA / "par_layout_platshallare.csv", LAYOUT_HEADINGS):
        for heading, words in (("delmangd", SUBSETS), ("fil", FILES), ("uppgift", FIELDS), ("format", FORMATS)):
            line.known(heading, words)
        fields.append(
            RegisterLayoutField(
                subset=line["delmangd"],
                file=line["fil"],
                position=int(line.required("plats")),
                field=line["uppgift"],
                format=line["format"],
                max_length=int(line["langd"]) if line["langd"] else None,
                is_required=line.known("maste_finnas", {"ja": True, "nej": False}),
                code_list=line["kodlista"],
                note=line["anmarkning"],
            )
        )
    layout, is_new = RegisterLayout.objects.get_or_create(
        version=PLACEHOLDER,
        defaults={
            "regulation": "HSLF-FS 2023:33, ändrad genom HSLF-FS 2024:9",
            "valid_from": date(2024, 1, 1),
            "source": (
                "Påhittad platshållare. Filernas kolumner, namn och längder står i föreskriftens bilagor, som inte har"
                " kunnat läsas. Får inte lämnas till Socialstyrelsen."
            ),
            "file_name": "PAR_{filkod}_{delmangd}_{fil}_{fran}-{till}.txt",
        },
    )
    if is_new:
        for field in fields:
            field.layout = layout
        RegisterLayoutField.objects.bulk_create(fields)
    return Loaded("fält i leveransens platshållare", added=len(fields) * is_new, unchanged=len(fields) * (not is_new))
