"""Reading product files, with errors that name the file, the row and the column."""

import csv
import io
import json
from pathlib import Path

import pandas as pd

from helpers.paths import DATA

COLUMNS = ["category", "name", "features", "color", "description"]
SPLITS = ("train", "validation", "test")
# The two products of the classic tutorial, which the whole course follows. They are in no split.
TUTORIAL_PRODUCTS = pd.DataFrame(
    [
        {
            "category": "Kitchen",
            "name": "Brightwell Electric Kettle",
            "features": "1.7 L capacity, fast boil, auto shut-off, cordless base",
            "color": "silver",
        },
        {
            "category": "Office",
            "name": "Lindqvist Ergonomic Office Chair",
            "features": "lumbar support, adjustable armrests, breathable mesh back, 5 castors",
            "color": "black",
        },
    ],
    index=["kettle", "chair"],
)


class ProductFileError(ValueError):
    """A product file that can't be used as it is; the message says what to mend."""


def load_split(split: str) -> pd.DataFrame:
    """The committed rows of "train", "validation" or "test" (which stays sealed until 07)."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    return read_products(DATA / f"{split}.jsonl")


def with_voice(rows: pd.DataFrame, voice: str) -> pd.DataFrame:
    """The same products with the descriptions of another voice.

    Args:
        rows: the course's products, with a column `id`.
        voice: "factual" (the rows as they are), or a file's name in data/voices/: "story", ...

    Returns:
        A new table, or the rows themselves for "factual"; only `description` differs.

    Raises:
        ValueError: there is no such voice, or it has no description of one of the rows.
    """
    if voice == "factual":
        return rows
    voices = sorted(path.stem for path in (DATA / "voices").glob("*.csv"))
    if voice not in voices:
        raise ValueError(f"no voice {voice!r}; there are {', '.join(['factual', *voices])}")
    told = pd.read_csv(DATA / "voices" / f"{voice}.csv", dtype=str, index_col="id")["description"]
    missing = [row_id for row_id in rows["id"] if row_id not in told.index]
    if missing:
        raise ValueError(
            f"data/voices/{voice}.csv describes {len(told)} products, and not {len(missing)} of "
            f"these {len(rows)}: {missing[0]} is the first. Take fewer rows, or another voice."
        )
    return rows.assign(description=told.loc[rows["id"]].to_numpy())


def read_products(path: str | Path) -> pd.DataFrame:
    """Read a .csv or .jsonl file of products.

    Args:
        path: a UTF-8 file with at least COLUMNS; further columns of text are kept.

    Returns:
        One row a product, all cells text without surrounding blanks. Row N of an error message
        is the N-th below the header.

    Raises:
        ProductFileError: the file is missing, empty, not UTF-8 or not text, lacks a column, has
            no rows, a row with too many or too few cells, or an empty cell in one of COLUMNS.
    """
    path = Path(path)
    text = _read_text(path)
    rows = _parse_jsonl(path, text) if path.suffix.lower() == ".jsonl" else _parse_csv(path, text)
    if not rows:
        raise ProductFileError(f"{path}: there is a header but no rows. Add at least one product.")
    for number, row in enumerate(rows, start=1):
        for column in COLUMNS:
            if not row[column]:
                raise ProductFileError(
                    f"{path}, row {number}, column {column!r}: the cell is empty. Fill it in or "
                    "delete the row."
                )
    return pd.DataFrame(rows)


def check_lengths(path: str | Path, token_counts: list[int], max_length: int) -> None:
    """Refuse rows that do not fit the context, since truncation would cut off their end.

    Args:
        path: the file the rows came from, for the message ("" for the course's own).
        token_counts: tokens of prompt and completion, one number a row, in file order.
        max_length: tokens that fit.

    Raises:
        ProductFileError: names the first row that is too long.
    """
    for number, count in enumerate(token_counts, start=1):
        if count > max_length:
            raise ProductFileError(
                f"{path}, row {number}, column 'description': prompt and description together are "
                f"{count} tokens, and {max_length} fit (MAX_LENGTH). Shorten the description, or "
                "raise MAX_LENGTH up to the model's context."
            )


def check_special_tokens(path: str | Path, rows: pd.DataFrame, special_tokens: list[str]) -> None:
    """Refuse text that a tokenizer would turn into one of its special tokens.

    A description with `<|im_end|>` in the middle would teach the model to stop there.

    Args:
        path: the file the rows came from, for the message.
        rows: as from `read_products`, in file order.
        special_tokens: as text, such as `tokenizer.all_special_tokens`.

    Raises:
        ProductFileError: names the first cell that holds one.
    """
    for number, row in enumerate(rows.to_dict("records"), start=1):
        for column in COLUMNS:
            for token in special_tokens:
                if token in row[column]:
                    raise ProductFileError(
                        f"{path}, row {number}, column {column!r}: it holds {token!r}, which the "
                        "tokenizer reads as a special token and not as text. Delete it."
                    )


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise ProductFileError(f"{path}: there is no such file (looked for {path.resolve()}).")
    data = path.read_bytes()
    if not data.strip():
        raise ProductFileError(f"{path}: the file is empty.")
    if b"\0" in data or data.startswith(b"PK\x03\x04"):
        raise ProductFileError(
            f"{path}: this is not a text file. From a spreadsheet, save it as CSV (UTF-8)."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ProductFileError(
            f"{path}, line {line}: byte {data[error.start]:#04x} is not UTF-8. Save the file again "
            "with the encoding UTF-8 (in Excel: 'CSV UTF-8')."
        ) from error


def _parse_csv(path: Path, text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        _check_columns(path, reader.fieldnames or [])
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                raise ProductFileError(
                    f"{path}, row {number} (ends on line {reader.line_num}): it has more or "
                    f"fewer cells than the header's {len(reader.fieldnames)}. Put a cell that "
                    "contains a comma in double quotes."
                )
            rows.append({column: cell.strip() for column, cell in row.items()})
    except csv.Error as error:
        raise ProductFileError(
            f"{path}, line {reader.line_num + 1}: not readable as CSV ({error}). Look for a double "
            "quote that is not closed."
        ) from error
    return rows


def _parse_jsonl(path: Path, text: str) -> list[dict[str, str]]:
    rows = []
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ProductFileError(
                f"{path}, row {number}: not readable as JSON ({error}). Write each product as "
                "one whole object on a line of its own."
            ) from error
        if not isinstance(row, dict):
            raise ProductFileError(f"{path}, row {number}: not a JSON object (curly brackets).")
        _check_columns(f"{path}, row {number}", list(row))
        for column, cell in row.items():
            if not isinstance(cell, str):
                raise ProductFileError(
                    f"{path}, row {number}, column {column!r}: {json.dumps(cell)} is not text. "
                    "Write it in double quotes."
                )
        if rows and set(row) != set(rows[0]):
            differing = ", ".join(sorted(set(row) ^ set(rows[0])))
            raise ProductFileError(
                f"{path}, row {number}, column {differing!r}: only some rows have it. Write the "
                "same columns in every row."
            )
        rows.append({column: cell.strip() for column, cell in row.items()})
    return rows


def _check_columns(where: Path | str, found: list[str]) -> None:
    twice = sorted({column for column in found if found.count(column) > 1})
    if twice:
        raise ProductFileError(f"{where}: column {twice[0]!r} stands there twice. Rename one.")
    missing = [column for column in COLUMNS if column not in found]
    if missing:
        raise ProductFileError(
            f"{where}: no column {', '.join(map(repr, missing))}; found "
            f"{', '.join(map(repr, found))}. The columns {', '.join(COLUMNS)} are needed, named in "
            "the first line and separated by commas."
        )
