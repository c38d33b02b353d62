"""From the text of a CSV, or the cells of a sheet, to rows under a header."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from helpers.product_errors import Fault, ProductFileError, refusal, short, short_path

MARKS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}  # between a CSV's cells
_OPENED = re.compile(r'[ \t\ufeff]*+"[^"]*+(?:""[^"]*+)*+')
_HINT = re.compile(r"sep=([,;\t|])(?=[\r\n])")  # a first line that spreadsheets write
_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\u200b"
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
    return text.strip(_EDGES) if isinstance(text, str) else text


def is_blank(cell: object) -> bool:
    """Whether nothing stands in a cell."""
    return clean(cell) in ("", None)


def separator(text: str) -> str:
    """The mark between a CSV's cells: the one that the header holds most often outside quotes.

    A first line `sep=;` decides where there is one. Without any mark it is a comma.
    """
    hint = _HINT.match(text)
    if hint:
        return hint[1]
    header = _LINE_END.split(re.sub('"[^"]*"', "", text[:100_000]).strip(), maxsplit=1)[0]
    return max(MARKS, key=header.count)


def csv_records(path: Path, text: str, mark: str = ",") -> list[tuple[int, list[str]]]:
    """The cells of a CSV, with the line on which each record begins.

    Written here, since the standard library's reader does not say where a cell begins, stops at
    131,072 characters, and takes a blank beside a quote for text.

    Args:
        path: for the message.
        text: a cell that holds the mark, a line end or a double quote stands in double quotes,
            with each double quote in it doubled.
        mark: what stands between cells, one of MARKS.

    Returns:
        (line, cells) of each record that is not blank, the header included.

    Raises:
        ProductFileError: a cell begins with a double quote, and does not end with one.
    """
    hint, cell = _HINT.match(text), _cell(mark)
    records, cells, at, line, start = [], [], hint.end() if hint else 0, 1, 1
    while True:
        match = cell.match(text, at)
        quoted, plain, end = match.groups()
        if quoted is None and clean(plain).startswith('"'):
            raise _open_quote(path, text[at:], records, len(cells), line)
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        line += len(_LINE_END.findall(match[0]))
        at = match.end()
        if end != mark:
            if not all(map(is_blank, cells)):
                records.append((start, cells))
            cells, start = [], line
        if not end:
            return records


@cache
def _cell(mark: str) -> re.Pattern:
    """A cell in double quotes, with blanks around them, or a plain one; and what ends it."""
    blank, mark = " \ufeff" if mark == "\t" else " \t\ufeff", re.escape(mark)
    quoted = rf'[{blank}]*+"([^"]*+(?:""[^"]*+)*+)"[{blank}]*+'
    return re.compile(rf"(?:{quoted}|([^{mark}\r\n]*+))({mark}|\r\n?|\n|\Z)")


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


def table_of(path: Path, records: list[tuple[int, list]], mark: str = "") -> Table:
    """Put the records under their header.

    Columns without a name are left out; behind the last name they have to be empty.

    Args:
        path: for the message.
        records: (line, cells); the first is the header.
        mark: what stands between cells; "" for a sheet, where nothing does.

    Returns:
        The table, with a fault for each row whose cells do not belong to the header.

    Raises:
        ProductFileError: there is no header, or it names a column twice.
    """
    columns = _header(path, records)
    # "One, two" is prose, unless the file itself puts a blank behind each mark.
    spaced = any(str(cell).startswith(" ") for cell in records[0][1])
    between = re.compile(re.escape(mark) + ("" if spaced else "(?! )"))
    rows, faults = [], []
    for number, (line, cells) in enumerate(records[1:], start=1):
        fault = _fault_of(columns, cells, mark, between)
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
    columns = [_name(cell) for cell in cells]
    while not columns[-1]:
        columns.pop()
    twice = [name for name in columns if name and columns.count(name) > 1]
    if twice:
        raise ProductFileError(
            f"{where}, line {line}: column {short(twice[0])} stands there twice. Rename one."
        )
    return columns


def _name(cell: object) -> str:
    return "" if is_blank(cell) else str(clean(cell))


def _fault_of(
    columns: list[str], cells: list, mark: str, between: re.Pattern
) -> tuple[str, ...] | None:
    """(column, what, advice, shown) of a row that does not belong to the header."""
    width = len(columns)
    if len(cells) < width or not all(map(is_blank, cells[width:])):
        return _wrong_width(width, cells, mark)
    names = sorted(_name(cell).casefold() for cell in cells[:width])
    if names == sorted(name.casefold() for name in columns):
        return "", "the header stands there again", "Delete this line."
    for index, name in enumerate(columns):
        if mark and _holds_rows(cells[index], index, len(columns), between):
            what = "the cell holds whole rows of the file"
            return name, what, "Look for a double quote too many where it begins and ends."
    return None


def _wrong_width(width: int, cells: list, mark: str) -> tuple[str, ...]:
    count, than = len(cells), "fewer" if len(cells) < width else "more"
    what = f"it has {{}}, {than} than the header's {width}"
    shown = "1 cell" if count == 1 else f"{count} cells"
    if not mark:
        what = "a cell is filled behind the last column that has a name"
        return "", what, "Name its column, or empty it."
    if count < width:
        return "", what, "Add what is missing; a cell of several lines needs double quotes.", shown
    return "", what, f"Put a cell that contains {MARKS[mark]} in double quotes.", shown


def _holds_rows(cell: str, index: int, width: int, between: re.Pattern) -> bool:
    """Whether lines of the cell have as many cells as the header, or join up to such lines."""
    first, *others = [len(between.findall(line)) + 1 for line in _LINE_END.split(cell)]
    if not others or width < 3:
        return False
    joined = index < width - 1 and (first, others[-1]) == (width - index, index + 1)
    return joined or width in others
