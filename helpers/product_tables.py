"""From the text of a CSV, or the cells of a sheet, to rows under a header."""

import re
from pathlib import Path
from typing import NamedTuple

from helpers.product_errors import Fault, ProductFileError, refusal, short, short_path

# A cell in double quotes, with blanks around them, or a plain one; and what ends it.
_CELL = re.compile(r'(?:[ \t\ufeff]*+"([^"]*+(?:""[^"]*+)*+)"[ \t]*+|([^,\r\n]*+))(,|\r\n?|\n|\Z)')
_OPENED = re.compile(r'[ \t\ufeff]*+"[^"]*+(?:""[^"]*+)*+')
_EDGES = re.compile(r"\A[\s\ufeff\u200b]+|[\s\ufeff\u200b]+\Z")
_LINE_END = re.compile(r"\r\n?|\n")


class Row(NamedTuple):
    """One product as it stands in its file."""

    number: int  # the N-th product
    line: int  # where it begins, as an editor or a spreadsheet counts
    cells: dict[str, object]  # column -> text, or what JSON or a sheet holds there


class Table(NamedTuple):
    """What a file holds: its columns, the rows that can be read, and what is wrong with others."""

    columns: list[str]
    rows: list[Row]
    faults: list[Fault]


def clean(text: object) -> object:
    """Text without blanks (and byte order marks) around it; anything else as it is."""
    return _EDGES.sub("", text) if isinstance(text, str) else text


def is_blank(cell: object) -> bool:
    """Whether nothing stands in a cell."""
    return clean(cell) in ("", None)


def csv_records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """The cells of a CSV, with the line on which each record begins.

    Written here, since the standard library's reader does not say where a cell begins, stops at
    131,072 characters, and takes a blank beside a quote for text.

    Args:
        path: for the message.
        text: cells separated by commas; one that holds a comma, a line end or a double quote
            stands in double quotes, with each double quote in it doubled.

    Returns:
        (line, cells) of each record that is not blank, the header included.

    Raises:
        ProductFileError: a cell begins with a double quote, and does not end with one.
    """
    records, cells, at, line, start = [], [], 0, 1, 1
    while True:
        match = _CELL.match(text, at)
        quoted, plain, end = match.groups()
        if quoted is None and clean(plain).startswith('"'):
            raise _open_quote(path, text[at:], records, len(cells), line)
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        line += len(_LINE_END.findall(match[0]))
        at = match.end()
        if end != ",":
            if not all(map(is_blank, cells)):
                records.append((start, cells))
            cells, start = [], line
        if not end:
            return records


def _open_quote(path: Path, rest: str, records: list, index: int, line: int) -> ProductFileError:
    header = records[0][1] if records else []
    column = clean(header[index]) if index < len(header) else ""
    opened = _OPENED.match(rest)[0]
    what = "the cell begins with a double quote that is not closed"
    if len(opened) < len(rest):
        closes = line + len(_LINE_END.findall(opened))
        what = (
            f"the cell begins with a double quote, and text follows the closing one (line {closes})"
        )
    advice = "Write a double quote that belongs to the text twice, in a cell in double quotes."
    return refusal(path, [Fault(len(records), line, column, what, advice)], len(records))


def table_of(path: Path, records: list[tuple[int, list]]) -> Table:
    """Put the records under their header.

    Columns without a name are left out; behind the last name they have to be empty.

    Args:
        path: for the message.
        records: (line, cells); the first is the header.

    Returns:
        The table, with a fault for each row whose cells do not belong to the header.

    Raises:
        ProductFileError: there is no header, or it names a column twice.
    """
    columns = _header(path, records)
    rows, faults = [], []
    for number, (line, cells) in enumerate(records[1:], start=1):
        fault = _fault_of(columns, cells)
        if fault:
            faults.append(Fault(number, line, *fault))
        else:
            pairs = zip(columns, cells, strict=False)
            rows.append(Row(number, line, {name: cell for name, cell in pairs if name}))
    return Table([name for name in columns if name], rows, faults)


def _header(path: Path, records: list[tuple[int, list]]) -> list[str]:
    """The columns' names; "" for one without, and none behind the last that has one."""
    where = short_path(path)
    if not records:
        raise ProductFileError(f"{where}: the file is empty.")
    line, cells = records[0]
    columns = ["" if is_blank(name) else str(clean(name)) for name in cells]
    while not columns[-1]:
        columns.pop()
    twice = [name for name in columns if name and columns.count(name) > 1]
    if twice:
        raise ProductFileError(
            f"{where}, line {line}: column {short(twice[0])} stands there twice. Rename one."
        )
    return columns


def _fault_of(columns: list[str], cells: list) -> tuple[str, ...] | None:
    """(column, what, advice, shown) of a row that does not belong to the header."""
    width = len(columns)
    if len(cells) < width or not all(map(is_blank, cells[width:])):
        what, count = f"it has {{}}, and not the header's {width}", len(cells)
        advice = "Put a cell that contains a comma in double quotes."
        return "", what, advice, "1 cell" if count == 1 else f"{count} cells"
    if [clean(cell) for cell in cells[:width]] == columns:
        return "", "the header stands there again", "Delete this line."
    for index, name in enumerate(columns):
        if isinstance(cells[index], str) and _holds_rows(cells[index], index, columns):
            what = "the cell holds whole rows of the file"
            return name, what, "Look for a double quote too many where it begins and ends."
    return None


def _holds_rows(cell: str, index: int, columns: list[str]) -> bool:
    """Whether lines of the cell have as many cells as the header, or join up to such lines."""
    first, *others = [len(re.findall(r",(?!\s)", line)) + 1 for line in _LINE_END.split(cell)]
    width = len(columns)
    if not others or width < 3:
        return False
    joined = index < width - 1 and (first, others[-1]) == (width - index, index + 1)
    return joined or width in others
