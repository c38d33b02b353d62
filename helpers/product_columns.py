"""From the columns of a file to the course's: a mapping, checked, or one that is proposed."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.product_errors import LONGEST_MESSAGE, ProductFileError, listed, short, short_path
from helpers.product_files import JSON, XLSX
from helpers.product_tables import MARKS, Row, Table

COLUMNS = ["category", "name", "features", "color", "description"]
OPTIONAL = ["family"]  # read with the same care where it is there; it may be empty
_ALSO_CALLED = {
    "category": "categories type producttype productcategory department group class kind "
    "kategorie warengruppe catégorie",
    "name": "title product productname producttitle item itemname model titel bezeichnung "
    "artikel produktname nom titre",
    "features": "feature attributes specs specifications bullets bulletpoints characteristics "
    "merkmale eigenschaften caractéristiques",
    "color": "colour colors colours colorname colourname farbe couleur",
    "description": "text body bodyhtml desc productdescription longdescription copy beschreibung",
}
_LONGEST_NAME = 20  # characters of a name that is proposed: five have to fit into a message
_PLAIN_YAML = re.compile(r"[^\W\d_][\w ()/.-]*")
_NOT_IN_A_SHELL = re.compile(r'["$`\\!]')  # between double quotes
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_SHORT_ROOM = 40  # characters that the names found may at least take


def renamed(
    path: Path, table: Table, columns: Mapping[str, str], needed: Sequence[str]
) -> list[Row]:
    """The rows under the course's names.

    Args:
        path: for the message.
        table: as it stands in the file.
        columns: a name in the file -> the course's name for it. Names left out stay, and a column
            whose name is given to another is left out.
        needed: the course's columns that have to be there.

    Returns:
        The rows, in file order.

    Raises:
        ProductFileError: a column is missing (names that may be meant are proposed), or `columns`
            is no mapping from the file's names to the course's.
    """
    _check_mapping(path, table, columns, needed)
    names = {name: columns.get(name, name) for name in table.columns}
    given = {ours for theirs, ours in columns.items() if theirs in names}
    names = {name: ours for name, ours in names.items() if name in columns or ours not in given}
    missing = [column for column in needed if column not in names.values()]
    if missing:
        raise _no_column(path, missing, table.columns, needed)
    return [
        row._replace(cells={names[name]: cell for name, cell in row.cells.items() if name in names})
        for row in table.rows
    ]


def _check_mapping(
    path: Path, table: Table, columns: Mapping[str, str], needed: Sequence[str]
) -> None:
    where, known = f"{short_path(path)}: COLUMNS", (*COLUMNS, *OPTIONAL)
    example = "Write the file's name first, then the course's: {title: name, colour: color}."
    if not isinstance(columns, Mapping):
        raise ProductFileError(f"{where} is {short(str(columns))}, and no mapping. {example}")
    ours = list(columns.values())
    unknown = [str(name) for name in ours if name not in known]
    if unknown:
        raise ProductFileError(
            f"{where} maps a column to {listed(unknown, 80)}, and the course has "
            f"{', '.join(known)}. {example}"
        )
    twice = [name for name in known if ours.count(name) > 1]
    if twice:
        raise ProductFileError(f"{where} maps two columns to {twice[0]!r}. Keep one of them.")
    absent = [str(k) for k, v in columns.items() if k not in table.columns and v in needed]
    if absent:
        raise ProductFileError(
            f"{where} maps {listed(absent, 80)}, and the file has "
            f"{listed(table.columns, 150)}. Write a name as it stands in the file."
        )


def _no_column(
    path: Path, missing: list[str], found: list[str], needed: Sequence[str]
) -> ProductFileError:
    meant = _guessed(missing, [name for name in found if name not in needed])
    start = f"{short_path(path)}: no column {listed(missing, 80)}; found "
    for advice in _advice(path, missing, found, needed, meant):
        room = LONGEST_MESSAGE - len(start) - len(advice) - 2
        if room >= _SHORT_ROOM:
            break
    return ProductFileError(f"{start}{listed(found, room) or 'none'}. {advice}")


def _advice(
    path: Path, missing: list[str], found: list[str], needed: Sequence[str], meant: dict[str, str]
) -> list[str]:
    """What to do, the fullest sentences first."""
    if meant:
        pairs = ", ".join(f"{_in_yaml(theirs)}: {ours}" for theirs, ours in meant.items())
        mapped = f'Rename them, or map them: -y "COLUMNS: {{{pairs}}}"'
        rest = [name for name in missing if name not in meant.values()]
        rest = f" Nothing is like {listed(rest, 80)}: add it." if rest else ""
        return [f"{mapped} (in Python: columns={{...}}).{rest}", f"{mapped}.{rest}", f"{mapped}."]
    advice = f"The columns {', '.join(needed)} are needed"
    if path.suffix.lower() in JSON:
        return [f"{advice}, as names in each object."]
    if path.suffix.lower() == XLSX:
        return [f"{advice}, named in the first line of the first sheet."]
    if len(found) == 1 and any(mark in found[0] for mark in MARKS):
        return ["The first line stands in double quotes as a whole: take them off each line."]
    return [f"{advice}, named in the first line and separated by commas or semicolons."]


def _guessed(missing: list[str], found: list[str]) -> dict[str, str]:
    """Names of the file -> the course's that they may stand for."""
    offered = [name for name in found[:200] if len(name) <= _LONGEST_NAME and name.isprintable()]
    offered = [name for name in offered if not _NOT_IN_A_SHELL.search(name)]
    plain = {re.sub(r"[\W_]", "", name.lower()): name for name in offered}
    meant = {}
    for column in missing:
        called = [column, *_ALSO_CALLED[column].split()]
        same = [name for name in called if name in plain]
        near = difflib.get_close_matches(column, plain, n=1, cutoff=0.75)
        for name in (same + near)[:1]:
            meant[plain.pop(name)] = column
    return meant


def _in_yaml(name: str) -> str:
    """The name as a key of a YAML mapping on one line."""
    if _PLAIN_YAML.fullmatch(name) and name.lower() not in _YAML_WORDS:
        return name
    quoted = name.replace("'", "''")
    return f"'{quoted}'"
