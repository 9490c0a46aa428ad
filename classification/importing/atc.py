"""ATC: `atc-code.xml` of Läkemedelsverket's national substance list, by itself or in its zip archive."""

import re
from functools import partial

from lxml import etree

from .errors import CatalogueError
from .files import SourceFile, opened_archive, unpacking
from .rows import ATC, SHAPES, CodeList, CodeRow, clean_title, day

MEMBER = "codesystems/atc-code.xml"
LENGTHS = {1: "atc_1", 3: "atc_2", 4: "atc_3", 5: "atc_4", 7: "atc_5"}
_VETERINARY = re.compile(r"Q[A-Z].*|Q")


def read(files):
    """The concepts; the veterinary ones (Q…) are left out, the retired ones keep their last day."""
    if len(files) != 1:
        raise CatalogueError("ATC är en fil; ange bara den.")
    file = _unpacked(files[0])
    rows, veterinary, english = [], 0, 0
    for element in _concepts(file):
        where = file.at(element.sourceline)
        code = (element.get("code") or "").strip().upper()
        if not code:
            raise CatalogueError(f"{where}: ett begrepp saknar kod.")
        if _VETERINARY.fullmatch(code):
            veterinary += 1
            continue
        titles = _titles(element)
        english += "sv" not in titles
        rows.append(row_of(code, titles.get("sv") or titles.get("en", ""), where, ends=element.get("throughDate")))
    remarks = [f"{veterinary} koder för djur (Q…) lästes inte."] if veterinary else []
    if english:
        remarks.append(f"{english} koder har bara engelsk benämning.")
    return CodeList("ATC, XML", rows, remarks)


def row_of(code, title, where, ends=None):
    """The row of an ATC code: the level by its length, the parent by its beginning."""
    if not SHAPES[ATC].fullmatch(code):
        raise CatalogueError(f"{where}: {code[:30]} har inte formen av en kod i ATC.")
    shorter = [length for length in LENGTHS if length < len(code)]
    is_substance = len(code) == 7
    return CodeRow(
        code=code,
        display=code,
        title=clean_title(title),
        level=LENGTHS[len(code)],
        where=where,
        parent=code[: shorter[-1]] if shorter else "",
        is_registrable=is_substance,
        is_leaf=is_substance,
        may_be_main=False,
        valid_to=day(ends, where, "throughDate"),
    )


def _titles(element):
    found = {}
    for child in element:
        if etree.QName(child).localname == "designation":
            text = clean_title(child.text or child.get("value") or "")
            if text:
                found.setdefault(child.get("language", ""), text)
    return found


def _concepts(file):
    """Each concept, freed as soon as it has been read. Nothing is fetched, no entity is expanded."""
    with unpacking(file), file.opened() as stream:
        yield from _read_concepts(file, stream)


def _read_concepts(file, stream):
    context = etree.iterparse(
        stream, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    found = 0
    try:
        for event, element in context:
            if event == "start":
                if element.getparent() is None and element.getroottree().docinfo.doctype:
                    raise CatalogueError(f"{file.name}: filen har en dokumenttyp (DOCTYPE) och läses inte.")
                continue
            if etree.QName(element).localname == "concept":
                found += 1
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise CatalogueError(f"{file.at(error.lineno or 1)}: filen är ingen giltig XML.") from error
    if not found:
        raise CatalogueError(f"{file.name} har inga begrepp (concept).")


def _unpacked(file):
    if file.begins(4) != b"PK\x03\x04":
        return file
    archive = opened_archive(file)
    # The archive's own names are written with backslashes.
    for member in archive.infolist():
        if member.filename.replace("\\", "/").lower().endswith(MEMBER):
            name = MEMBER.rpartition("/")[2]
            return SourceFile(name, opener=partial(archive.open, member), length=member.file_size)
    raise CatalogueError(f"{file.name} saknar {MEMBER}.")
