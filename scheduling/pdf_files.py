"""PDF that others have made: judged before it is taken in, and bound with letters for the printer (KA-03). Pure: bytes in,
bytes out.

What goes to the patient in 1177 and what is kept are the files themselves, byte for byte; what is bound here goes to paper
and nowhere else."""

import logging
from io import BytesIO

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, NumberObject, TextStringObject

MOST_PAGES = 20
TITLE = "Brev"
# What the print says of itself where it is letters alone, which are PDF/UA-1 each.
PROMISE = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/" pdfuaid:part="1">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{TITLE}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".encode()
# What is wrong with a file is told to whoever puts it in; the reader's own remarks are about bytes and help nobody.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

NOT_PDF = "Filen är ingen PDF. Spara dokumentet som PDF och välj den filen."
LOCKED = (
    "Filen är låst med lösenord eller kryptering och kan inte skrivas ut här. Spara den utan lås och välj den filen."
)
BROKEN = "Filen är skadad och går inte att läsa. Spara dokumentet som PDF på nytt och välj den filen."
ACTIVE = "Filen innehåller skript eller andra filer. Skriv ut dokumentet till PDF och välj den filen."
TOO_LONG = f"Filen har mer än {MOST_PAGES} sidor. Dela den, eller skicka patienten till en webbplats i stället."


def fault(content):
    """Why the file cannot go with letters, or an empty text: it is read to its end and bound once, as it will be."""
    if not content.startswith(b"%PDF-"):
        return NOT_PDF
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            return LOCKED
        if _is_active(reader):
            return ACTIVE
        if len(reader.pages) > MOST_PAGES:
            return TOO_LONG
        for page in reader.pages:
            if (words := page.get_contents()) is not None:
                words.get_data()
        bound([[content]])
        return "" if len(reader.pages) else BROKEN
    except Exception:
        # Anything at all may be raised over bytes that somebody else has made, and all of it means the same.
        return BROKEN


def _is_active(reader):
    """Whether it does something when it is opened, or carries other files with it."""
    root = reader.trailer["/Root"]
    names = root.get("/Names", {})
    opening = root.get("/OpenAction")
    does = isinstance(opening, DictionaryObject) and opening.get("/S") != "/GoTo"
    return bool(does or "/AA" in root or "/JavaScript" in names or "/EmbeddedFiles" in names)


def bound(bundles):
    """One PDF of many letters, each followed by its files: `bundles` are lists whose first is a letter of ours. The letters
    stay tagged, each in its language; the whole promises PDF/UA only where nothing made by others is in it."""
    writer, tags, readers = PdfWriter(), _Tags(), {}
    for letter, *files in bundles:
        reader, first = PdfReader(BytesIO(letter)), len(writer.pages)
        writer.append(reader, import_outline=False)
        tags.keep(writer, reader, writer.pages[first:])
        for file in files:
            # Read once for the whole pile: what many letters carry is in the print once.
            if file not in readers:
                readers[file] = PdfReader(BytesIO(file))
            writer.append(readers[file], import_outline=False)
    tags.write(writer)
    root = writer.root_object
    root[NameObject("/Lang")] = TextStringObject("sv")
    root[NameObject("/ViewerPreferences")] = DictionaryObject({NameObject("/DisplayDocTitle"): BooleanObject(True)})
    writer.metadata = {"/Title": TITLE}
    if not readers and tags.kids:
        writer.xmp_metadata = PROMISE
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


class _Tags:
    """The structure of the letters, put together: pages keep their place in it, numbered anew over the whole."""

    def __init__(self):
        self.kids, self.numbers, self.next = ArrayObject(), ArrayObject(), 0

    def keep(self, writer, reader, pages):
        """Takes in the structure of a letter whose pages have been appended."""
        known = reader.trailer["/Root"].get("/StructTreeRoot")
        if known is None:
            return
        tree = known.get_object().clone(writer)
        numbers = tree["/ParentTree"].get_object().get("/Nums", [])
        for before, after in zip(reader.pages, pages, strict=True):
            self._number(before, after, "/StructParents")
            for old, new in zip(before.get("/Annots", ()), after.get("/Annots", ()), strict=True):
                self._number(old.get_object(), new.get_object(), "/StructParent")
        keys = numbers[::2]
        for key, value in zip(keys, numbers[1::2], strict=True):
            self.numbers.extend([NumberObject(self.next + key), value])
        self.next += max(keys, default=-1) + 1
        top = tree["/K"].get_object()
        for kid in top if isinstance(top, list) else [tree.raw_get("/K")]:
            kid.get_object().setdefault(
                NameObject("/Lang"), reader.trailer["/Root"].get("/Lang", TextStringObject("sv"))
            )
            self.kids.append(kid)

    def _number(self, before, after, name):
        if name in before:
            after[NameObject(name)] = NumberObject(self.next + before[name])

    def write(self, writer):
        """One tree of all that was taken in."""
        if not self.kids:
            return
        tree = DictionaryObject({NameObject("/Type"): NameObject("/StructTreeRoot"), NameObject("/K"): self.kids})
        numbers = DictionaryObject({NameObject("/Nums"): self.numbers})
        tree[NameObject("/ParentTree")] = writer._add_object(numbers)
        tree[NameObject("/ParentTreeNextKey")] = NumberObject(self.next)
        place = writer._add_object(tree)
        for kid in self.kids:
            kid.get_object()[NameObject("/P")] = place
        writer.root_object[NameObject("/StructTreeRoot")] = place
        writer.root_object[NameObject("/MarkInfo")] = DictionaryObject({NameObject("/Marked"): BooleanObject(True)})
