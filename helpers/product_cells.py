"""From what a file holds to the course's columns and to text."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.product_errors import LONGEST_MESSAGE, Fault, ProductFileError, listed, short_path
from helpers.product_files import JSON, XLSX
from helpers.product_tables import Row, Table, clean

COLUMNS = ["category", "name", "features", "color", "description"]
OPTIONAL = ["family"]  # read with the same care where it is there; it may be empty
LONGEST_CELL = 100_000  # characters, some 25,000 tokens: more than any product's text
_ALSO_CALLED = {
    "category": "categories type producttype productcategory department group class kind",
    "name": "title product productname producttitle item itemname model",
    "features": "feature attributes specs specifications bullets bulletpoints characteristics",
    "color": "colour colors colours colorname colourname farbe couleur",
    "description": "text body bodyhtml desc productdescription longdescription copy",
}
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_QUOTED = r"""(?:'[^'\\]*+'|"[^"\\]*+")"""
_LIST = re.compile(rf"\[\s*+({_QUOTED}(?:\s*+,\s*+{_QUOTED})*+)?\s*+\]")
_LINE_ENDS = re.compile(r"\s*[\r\n]\s*")
_OTHER_MARKS = re.compile(r"&#?\w+;|<\||\|>")  # in &amp; and <|im_end|> they join nothing
_REFILL = "Fill it in or delete the row."


def renamed(
    path: Path, table: Table, columns: Mapping[str, str], needed: Sequence[str]
) -> list[Row]:
    """The rows under the course's names.

    Args:
        path: for the message.
        table: as it stands in the file.
        columns: a name in the file -> the course's name for it; names left out stay.
        needed: the course's columns that have to be there.

    Returns:
        The rows, in file order.

    Raises:
        ProductFileError: a column is missing (names that may be meant are proposed), `columns`
            names one that the file does not have, or two columns get one name.
    """
    where = short_path(path)
    unknown = [name for name in columns if name not in table.columns]
    if unknown:
        raise ProductFileError(
            f"{where}: columns={{...}} names {listed(unknown, 80)}, and the file has "
            f"{listed(table.columns, 150)}. Write a name as it stands in the file."
        )
    names = [columns.get(name, name) for name in table.columns]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ProductFileError(
            f"{where}: with columns={{...}}, column {listed(twice[:1], 40)} would stand there "
            "twice. Give the other one a new name there, too."
        )
    missing = [column for column in needed if column not in names]
    if missing:
        raise _no_column(path, missing, names, needed)
    return [
        row._replace(cells={columns.get(name, name): cell for name, cell in row.cells.items()})
        for row in table.rows
    ]


def _no_column(
    path: Path, missing: list[str], found: list[str], needed: Sequence[str]
) -> ProductFileError:
    meant = _guessed(missing, [name for name in found if name not in needed])
    advice = f"Rename them, or read with columns={meant}."
    if not meant:
        advice = f"The columns {', '.join(needed)} are needed"
        other = next((mark for mark in ";\t|" if mark in "".join(found)), "")
        if path.suffix.lower() not in (*JSON, XLSX):
            advice += ", named in the first line and separated by commas"
        advice += f", not by {other!r}." if other else "."
    start = f"{short_path(path)}: no column {listed(missing, 80)}; found "
    room = LONGEST_MESSAGE - len(start) - len(advice) - 2
    return ProductFileError(f"{start}{listed(found, room) or 'none'}. {advice}")


def _guessed(missing: list[str], found: list[str]) -> dict[str, str]:
    """Names of the file -> the course's that they may stand for."""
    plain = {re.sub(r"[\W_]", "", name.lower()): name for name in found[:200] if len(name) <= 20}
    meant = {}
    for column in missing:
        called = [column, *_ALSO_CALLED[column].split()]
        same = [name for name in called if name in plain]
        near = difflib.get_close_matches(column, plain, n=1, cutoff=0.75)
        for name in (same + near)[:1]:
            meant[plain.pop(name)] = column
    return meant


def text_rows(
    rows: Sequence[Row], needed: Sequence[str]
) -> tuple[list[dict[str, str]], list[Fault]]:
    """Every cell as text.

    Features that are a list, or joined in another way than by a comma and a blank, are joined so.
    Line ends within the columns of the prompt become blanks, since there a line is a field.

    Args:
        rows: under the course's names.
        needed: columns in which each row has to hold text. Of all others those that hold
            something else (a picture, a list) are left out, and an empty cell is "".

    Returns:
        The rows, all with the same columns, and a fault for each cell that is no text.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    cared_for = [name for name in columns if name in (*needed, *OPTIONAL)]
    extra = [
        name
        for name in columns
        if name not in cared_for and all(_is_plain(row.cells.get(name)) for row in rows)
    ]
    kept = [name for name in columns if name in (*cared_for, *extra)]
    texts, faults = [], []
    for row in rows:
        cells = {name: _text(row.cells.get(name, ""), name) for name in kept}
        for name in cared_for:
            fault = _fault_of(cells[name], name, name not in row.cells, name in OPTIONAL)
            if fault:
                faults.append(Fault(row.number, row.line, name, *fault))
        texts.append({name: "" if cell is None else cell for name, cell in cells.items()})
    return texts, faults


def _is_plain(cell: object) -> bool:
    return cell is None or isinstance(cell, str) and not _NOT_TEXT.search(cell)


def _text(cell: object, column: str) -> object:
    if column == "features":
        return _joined(cell)
    if isinstance(cell, str) and column in COLUMNS[:-1]:
        cell = _LINE_ENDS.sub(" ", clean(cell))
    return clean(cell)


def _joined(cell: object) -> object:
    """Features joined by a comma and a blank; what can't be read as features, as it is."""
    if isinstance(cell, str):
        cell = clean(cell)
        listing = _LIST.fullmatch(cell)
        if listing:
            cell = [quoted[1:-1] for quoted in re.findall(_QUOTED, listing[1] or "")]
        elif ", " in cell:
            cell = cell.split(", ")
        else:
            marks = ";|\n\r" if not _OTHER_MARKS.search(cell) else "\n\r"
            mark = next((mark for mark in marks if mark in cell), None)
            # "1,000 words" is one feature.
            cell = cell.split(mark) if mark else re.split(r",(?!\d)|(?<!\d),", cell)
    if not isinstance(cell, list) or not all(isinstance(feature, str) for feature in cell):
        return cell
    features = [_LINE_ENDS.sub(" ", clean(feature)) for feature in cell]
    return ", ".join(feature for feature in features if feature)


def _fault_of(
    cell: object, column: str, is_absent: bool, may_be_empty: bool
) -> tuple[str, ...] | None:
    """(what, advice, shown) of a cell that can't be trained on or described."""
    if cell in ("", None) and may_be_empty:
        return None
    if is_absent:
        return "the row has no such column", _REFILL
    if cell is None:
        return "null is not text: there is no value", _REFILL
    if not isinstance(cell, str):
        return f"{_kind(cell)} is not text", "Write it as text."
    if not cell:
        return "the cell is empty", _REFILL
    if len(cell) > LONGEST_CELL:
        what = f"the cell has {{}} characters, and at most {LONGEST_CELL:,} are read"
        return what, "Shorten it.", f"{len(cell):,}"
    if _NOT_TEXT.search(cell):
        return "it holds {}, which is no character", "Delete it.", ascii(_NOT_TEXT.search(cell)[0])
    brackets = column == "features" and cell[0] == "[" and cell[-1] == "]"
    if brackets or _LIST.fullmatch(cell):
        return "a list in brackets is not text", "Write it without brackets and quotes."
    return None


def _kind(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    kinds = {list: "a list", tuple: "an object", float: "a spreadsheet's error (#N/A)"}
    return kinds.get(type(cell), "a date or time")
