"""Product files as they stand: CSV, JSONL, a JSON array, a sheet of an .xlsx."""

import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.product_errors import Fault, ProductFileError, short_path
from helpers.product_tables import Row, Table, clean, csv_records, is_blank, separator, table_of

JSON, XLSX = (".json", ".jsonl", ".ndjson"), ".xlsx"
# Objects become tuples of pairs, so that a key that stands there twice is seen. Numbers stay as
# they are written: 1.50 is not 1.5, and 5,000 digits are no number that Python makes.
_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=lambda name: None
)
_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_JSON_BEGINS = re.compile(r'\s*+(?:\[\s*+)?\{\s*+"')
_NOT_JSON = "not readable as JSON from character {} on"
_ONE_OBJECT = "Write each product as one whole object on a line of its own, or all as one array."


class Item(NamedTuple):
    """A JSON value, or what is wrong with it."""

    line: int
    value: object = None
    what: str = ""
    shown: str = ""


def read_table(path: Path) -> Table:
    """Read a file by its ending, .xlsx, .json or .jsonl; others are CSV, unless JSON begins there.

    Args:
        path: the file. All but .xlsx is text in UTF-8.

    Returns:
        Columns and rows as they stand in the file, and the faults of rows that can't be read.

    Raises:
        ProductFileError: nothing of the file can be read, or a CSV's quotes don't close.
    """
    data = _read_bytes(path)
    suffix = path.suffix.lower()
    if suffix == XLSX:
        return table_of(path, _sheet_records(path, data))
    text = _decode(path, data)
    if suffix in JSON or _JSON_BEGINS.match(text):
        return _json_table(text)
    mark = separator(text)
    return table_of(path, csv_records(path, text, mark), mark)


def _read_bytes(path: Path) -> bytes:
    where = short_path(path)
    try:
        if path.is_dir():
            raise ProductFileError(f"{where}: this is a folder. Name the file of products in it.")
        data = path.read_bytes() if path.is_file() else None
    except OSError as error:
        reason = error.strerror or "the system gives no reason"
        raise ProductFileError(f"{where}: the file can't be opened ({reason}).") from error
    if data is None:
        looked_for = short_path(path.absolute())
        raise ProductFileError(f"{where}: there is no such file (looked for {looked_for}).")
    if not data.strip():
        raise ProductFileError(f"{where}: the file is empty.")
    return data


def _decode(path: Path, data: bytes) -> str:
    where = short_path(path)
    if b"\0" in data or data.startswith(b"PK\x03\x04"):
        raise ProductFileError(
            f"{where}: this is not a text file. From a spreadsheet, save it as CSV (UTF-8), or "
            "as .xlsx."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ProductFileError(
            f"{where}, line {line}: byte {data[error.start]:#04x} is not UTF-8. Save the file "
            "again with the encoding UTF-8 (in Excel: 'CSV UTF-8')."
        ) from error


def _sheet_records(path: Path, data: bytes) -> list[tuple[int, list]]:
    """(line, cells) of the first sheet's rows that are not blank; numbers as Excel shows them."""
    try:
        with warnings.catch_warnings(action="ignore"):  # on formats of cells
            sheet = pd.read_excel(
                io.BytesIO(data), header=None, dtype=object, na_filter=False, engine="openpyxl"
            )
    except Exception as error:  # a damaged file fails in the zip, in the XML or in its numbers
        raise ProductFileError(
            f"{short_path(path)}: this can't be read as a spreadsheet (.xlsx). Open it in a "
            "spreadsheet program and save it again, as .xlsx without a password or as CSV (UTF-8)."
        ) from error
    rows = enumerate(sheet.to_numpy().tolist(), start=1)
    records = [(line, [_as_shown(cell) for cell in cells]) for line, cells in rows]
    return [(line, cells) for line, cells in records if not all(map(is_blank, cells))]


def _as_shown(cell: object) -> object:
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"{cell:.15g}" if is_number and abs(cell) < float("inf") else cell


def _json_table(text: str) -> Table:
    is_array = text.lstrip().startswith("[")
    rows, faults = [], []
    for number, item in enumerate(_array_items(text) if is_array else _line_items(text), start=1):
        found = _row_of(number, item)
        (rows if isinstance(found, Row) else faults).append(found)
    return Table(list(dict.fromkeys(name for row in rows for name in row.cells)), rows, faults)


def _row_of(number: int, item: Item) -> Row | Fault:
    if item.what:
        return Fault(number, item.line, "", item.what, _ONE_OBJECT, item.shown)
    if not isinstance(item.value, tuple):
        return Fault(number, item.line, "", "not a JSON object (curly brackets)", _ONE_OBJECT)
    names = [clean(name) for name, _ in item.value]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        what, advice = "the column stands there twice", "Delete or rename one."
        return Fault(number, item.line, twice[0], what, advice)
    cells = zip(names, (cell for _, cell in item.value), strict=True)
    return Row(number, item.line, {name: cell for name, cell in cells if name})


def _line_items(text: str) -> Iterator[Item]:
    """What stands on each line that is not blank."""
    for number, line in enumerate(text.split("\n"), start=1):
        if clean(line):
            item, end = _item_at(line, _BLANK.match(line).end(), number)
            if not item.what and line[end:].strip():
                item = item._replace(what=_NOT_JSON, shown=str(end + 1))
            yield item


def _array_items(text: str) -> Iterator[Item]:
    """What stands in an array; behind a fault nothing can be read."""
    at, line, mark = text.index("[") + 1, 1, ","
    line += text.count("\n", 0, at)
    while mark == ",":
        start = _BLANK.match(text, at).end()
        line += text.count("\n", at, start)
        if text[start : start + 1] == "]":
            at, mark = start + 1, "]"
            break
        item, end = _item_at(text, start, line)
        yield item
        if item.what:
            return
        at = _BLANK.match(text, end).end()
        line += text.count("\n", start, at)
        mark, at = text[at : at + 1], at + 1
    if mark != "]":
        yield Item(line, what="a comma or the array's closing bracket is missing")
    elif text[at:].strip():
        yield Item(line, what="text follows the array's closing bracket")


def _item_at(text: str, at: int, line: int) -> tuple[Item, int]:
    """The JSON that begins at a character, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        character = error.pos - text.rfind("\n", 0, error.pos)
        line += text.count("\n", at, error.pos)
        return Item(line, what=_NOT_JSON, shown=str(character)), at
    except RecursionError:
        return Item(line, what="its brackets are nested too deeply to be read"), at
    return Item(line, value), end
