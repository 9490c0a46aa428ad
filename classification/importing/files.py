"""Files as they are given: bounded, decoded strictly, read line by line. What is unknown stops with its line."""

import csv
import gzip
import hashlib
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from sdv.common import archives

from .errors import CatalogueError

MEBIBYTE = 1024 * 1024
# The largest official file (ICD-10-SE) has 15 MB; a workbook or archive may not unpack to more than this.
MOST_BYTES = 40 * MEBIBYTE
MOST_UNPACKED = 300 * MEBIBYTE
MOST_MEMBERS = 2000
LONGEST_CELL = 200_000


@dataclass(frozen=True)
class SourceFile:
    """A file and its name, as somebody gave it: where it can be read from, as many times as it takes. What is large lies
    on disk, in the archive or compressed, and goes through memory a piece at a time."""

    name: str
    content: bytes = b""
    opener: Callable | None = None
    length: int | None = None

    @classmethod
    def at_path(cls, path):
        """A file on this machine."""
        return cls(path.name, opener=lambda: path.open("rb"), length=path.stat().st_size)

    @classmethod
    def compressed(cls, name, packed, length):
        """A file as imports keep it until they are decided."""
        return cls(name, opener=lambda: gzip.GzipFile(fileobj=io.BytesIO(packed)), length=length)

    @property
    def size(self):
        return len(self.content) if self.length is None else self.length

    def opened(self):
        """A new binary stream from the beginning; whoever opens it closes it."""
        return self.opener() if self.opener else io.BytesIO(self.content)

    def begins(self, count):
        """The first bytes."""
        with self.opened() as stream:
            return stream.read(count)

    def seekable(self):
        """A stream that can be read from anywhere, as archives are; one that is compressed is unpacked to disk."""
        stream = self.opened()
        if isinstance(stream, gzip.GzipFile):
            with stream as packed:
                stream = tempfile.TemporaryFile()  # noqa: SIM115 the archive closes it
                shutil.copyfileobj(packed, stream, MEBIBYTE)
            stream.seek(0)
        return stream

    def packed(self):
        """The file's checksum and its content compressed, read once."""
        told, made = hashlib.sha256(), io.BytesIO()
        with self.opened() as stream, gzip.GzipFile(fileobj=made, mode="wb", compresslevel=6, mtime=0) as pack:
            while piece := stream.read(MEBIBYTE):
                told.update(piece)
                pack.write(piece)
        return told.hexdigest(), made.getvalue()

    def at(self, line):
        """Where something stands, for sentences."""
        return f"{self.name}, rad {line}"


def lines_of(file, encoding):
    """(line number, text) one by one. Characters outside the encoding stop, as do control characters."""
    number = 0
    try:
        with io.TextIOWrapper(file.opened(), encoding=encoding, errors="strict", newline="") as stream:
            for number, text in enumerate(stream, 1):
                if "\x00" in text:
                    raise CatalogueError(f"{file.at(number)}: raden har tecken som inte hör hemma i en textfil.")
                yield number, text
    except UnicodeDecodeError as error:
        known = {"utf-8-sig": "UTF-8", "cp1252": "ANSI (Windows-1252)"}[encoding]
        raise CatalogueError(
            f"{file.at(f'{number + 1} eller senare')}: tecknen är inte {known}. Hämta filen igen, oförändrad."
        ) from error


def cells_of(file, *, columns, delimiter, quoted=True):
    """(line number, {column: cell}) of a table in UTF-8 whose header must be exactly the columns."""
    numbered = {}

    def told():
        for number, text in lines_of(file, "utf-8-sig"):
            numbered["last"] = number
            yield text

    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(
        told(), delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if header != list(columns):
            raise CatalogueError(f"{file.at(1)}: kolumnerna ska vara {', '.join(columns)}.")
        begins = reader.line_num + 1
        for cells in reader:
            if cells:
                if len(cells) != len(header):
                    raise CatalogueError(
                        f"{file.at(begins)}: raden har {len(cells)} kolumner; rubrikraden har {len(header)}."
                    )
                yield begins, dict(zip(header, cells, strict=True))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CatalogueError(
            f"{file.at(numbered.get('last', 1))}: raden går inte att läsa som tabell (citattecken eller cell för lång)."
        ) from error


@contextmanager
def unpacking(file):
    """Around all reading out of an archive: a damaged one stops as any other file."""
    try:
        yield
    except archives.DAMAGED as error:
        raise CatalogueError(
            f"{file.name} går inte att öppna: filen är skadad. Hämta filen igen, oförändrad."
        ) from error


def opened_archive(file):
    """The archive, when what it says that it unpacks to is reasonable; zipfile itself never reads beyond that."""
    with unpacking(file):
        archive = zipfile.ZipFile(file.seekable())
    members = archive.infolist()
    if archives.is_too_much(members, most=MOST_MEMBERS, most_unpacked=MOST_UNPACKED):
        raise CatalogueError(f"{file.name} packas upp till mer än {MOST_UNPACKED // MEBIBYTE} MB och läses inte.")
    if any(member.flag_bits & 1 for member in members):
        raise CatalogueError(f"{file.name} är krypterad och läses inte.")
    return archive
