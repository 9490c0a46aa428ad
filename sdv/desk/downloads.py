"""Files that a page hands out: CSV as Swedish Excel reads it, and workbooks. Rows may be an iterator; a CSV is sent as it
is made. No file name carries a person's data."""

import csv
from io import BytesIO, StringIO

import xlsxwriter
from django.http import HttpResponse, StreamingHttpResponse

from sdv.common.spreadsheets import as_text

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_file(name, rows):
    """Semicolons, UTF-8 with a mark of byte order, comma in decimals."""
    return _attached(StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8"), f"{name}.csv")


def _lines(rows):
    buffer = StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    yield "\ufeff".encode()
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return str(value).replace(".", ",")
    return as_text(value) if isinstance(value, str) else value


def workbook(name, sheets):
    """A workbook with a sheet for each (title, rows); the first row of each is its head. Texts are texts: nothing is
    read as a formula, a number or an address."""
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        for title, rows in sheets:
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, 1, 26)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, int | float):
                        sheet.write_number(at, column, value)
                    elif value is not None:
                        sheet.write_string(at, column, str(value), bold if at == 0 else None)
    return _attached(HttpResponse(made.getvalue(), content_type=EXCEL), f"{name}.xlsx")


def _attached(response, name):
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
