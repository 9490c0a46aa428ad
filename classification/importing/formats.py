"""Which reader a set of files asks for: known by what they contain, within the system that was chosen."""

from . import atc, icd10se, kva, older, plain
from .errors import CatalogueError
from .files import MEBIBYTE, MOST_BYTES
from .rows import ATC, ICD, KSH97P, KVA, NAMES, REGIONAL, checked


def read(system, files):
    """The code list in the files, checked. Refuses what no reader of the system knows."""
    if system not in NAMES:
        raise CatalogueError(f"Kodsystemet {system} är okänt.")
    if not files:
        raise CatalogueError("Ange minst en fil.")
    for file in files:
        if not file.size:
            raise CatalogueError(f"{file.name} är tom.")
        if file.size > MOST_BYTES:
            raise CatalogueError(f"{file.name} är större än {MOST_BYTES // MEBIBYTE} MB och läses inte.")
    listed = _reader(system, files)(files)
    checked(system, listed.rows)
    return listed


# How files of Excel before 2007 begin, whatever they hold.
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def _reader(system, files):
    if files[0].begins(len(_OLD_EXCEL)) == _OLD_EXCEL:
        raise CatalogueError(
            f"{files[0].name} är en äldre Excelfil (.xls) och läses inte. Hämta utgåvan som TSV eller ANS, eller öppna filen"
            " och spara den i listans eget format (docs/drift.md)."
        )
    first = _first_line(files[0])
    cells = tuple(cell.strip().strip('"') for cell in first.split("\t"))
    is_archive = files[0].begins(4) == b"PK\x03\x04"
    if first == ";".join(plain.OWN_COLUMNS):
        return plain.read_own
    ansi = all(file.name.lower().endswith(".ans") for file in files)
    found = {
        ICD: (
            (len(cells) > 3, icd10se.read),
            (first.startswith("code,"), plain.read_icd),
            (ansi, older.read_icd_ans),
            (len(cells) == 3, older.read_icd_tabbed),
        ),
        KVA: (
            (is_archive, kva.read_workbook),
            (len(cells) > 3, kva.read_tsv),
            (first.startswith(("code,", "group_code,")), plain.read_kva),
        ),
        ATC: ((is_archive or first.lstrip().startswith("<"), atc.read), (first.startswith("code,"), plain.read_atc)),
        KSH97P: ((ansi, older.read_ksh97p), (first.startswith("code,"), plain.read_ksh97p)),
        REGIONAL: (),
    }[system]
    for fits, reader in found:
        if fits:
            return reader
    if system == ICD and is_archive:
        raise CatalogueError(
            f"{files[0].name} är en arbetsbok eller ett arkiv och läses inte. Hämta utgåvans TSV (icd-10-se.tsv). Boken med"
            " historik behövs inte: koder som en ny utgåva saknar upphör med den gamla."
        )
    raise CatalogueError(
        f"{files[0].name} känns inte igen som en fil för {NAMES[system]}. Vilka format som läses står i docs/drift.md."
    )


def _first_line(file):
    return (file.begins(4000).decode("utf-8-sig", "replace").splitlines() or [""])[0]
