"""From what a file's cells hold to text."""

import re
from collections.abc import Sequence

from helpers.product_columns import COLUMNS, OPTIONAL
from helpers.product_errors import Fault
from helpers.product_tables import Row, clean

LONGEST_CELL = 100_000  # characters, some 25,000 tokens: more than any product's text
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_QUOTED = r"""(?:'[^'\\]*+'|"[^"\\]*+")"""
_LIST = re.compile(rf"\[\s*+({_QUOTED}(?:\s*+,\s*+{_QUOTED})*+)?\s*+\]")
_LINE_ENDS = re.compile(r"\s*[\r\n]\s*")
_OTHER_MARKS = re.compile(r"&#?\w+;|<\||\|>")  # in &amp; and <|im_end|> they join nothing
_REFILL = "Fill it in or delete the row."
_IN_WORDS = "Write in words what the model should read there."


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
        if name not in cared_for and all(map(_is_plain, [name, *_column(rows, name)]))
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


def _column(rows: Sequence[Row], name: str) -> list[object]:
    return [row.cells.get(name) for row in rows]


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
            marks = ";|•\n\r" if not _OTHER_MARKS.search(cell) else "•\n\r"
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
    if column == "features" and isinstance(cell, list):
        return "the list holds something that is no text", _IN_WORDS
    if not isinstance(cell, str):
        return _kind(cell), _REFILL if isinstance(cell, float) else _IN_WORDS
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
        return f"{str(cell).lower()} is not text"
    kinds = {list: "a list", tuple: "an object", float: "a spreadsheet's error (#N/A)"}
    return f"{kinds.get(type(cell), 'a date or time')} is not text"
