"""The course's products, and those that people bring: read alike for training and for use."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from helpers.paths import DATA
from helpers.product_cells import text_rows
from helpers.product_columns import COLUMNS, renamed
from helpers.product_errors import Fault, refusal, short_path
from helpers.product_errors import ProductFileError as ProductFileError  # caught from here
from helpers.product_files import read_table

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


def read_products(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a .csv, .jsonl, .json or .xlsx file of products with their descriptions.

    Args:
        path: the file; text is UTF-8, and of a spreadsheet the first sheet is read. `~` is your
            home folder.
        columns: a name in the file -> the course's: {"title": "name", "colour": "color"}. A column
            whose name is given to another is left out.

    Returns:
        One row a product, all cells text without surrounding blanks. COLUMNS are filled, features
        are joined by a comma and a blank. `family` may hold "", which means unknown. Further
        columns of text are kept, those that hold anything else are not.

    Raises:
        ProductFileError: the file can't be read, lacks a column, or has rows that can't be trained
            on. In less than 500 characters it names file, row, line and column, the kinds of
            faults, how many rows have them, and what to do.
    """
    return _read(path, COLUMNS, columns)


def read_new_products(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read products that wait for their description, as `read_products` reads those to train on.

    Args: those of read_products.

    Returns:
        The same; a column `description` may be missing, or empty in any row.

    Raises:
        ProductFileError: as in read_products.
    """
    return _read(path, COLUMNS[:-1], columns)


def row_lines(rows: pd.DataFrame) -> list[int]:
    """The line of each row in its file, for messages.

    Args:
        rows: as from `read_products` or `read_new_products`, or some of them in any order. A row
            is known by its index, so leave that as it is.

    Returns:
        Lines as an editor or a spreadsheet counts them. Of rows that were made otherwise, their
        numbers, from 1.
    """
    lines = rows.attrs.get("lines", [])
    if all(isinstance(i, int) and 0 <= i < len(lines) for i in rows.index):
        return [lines[i] for i in rows.index]
    return list(range(1, len(rows) + 1))


def _read(
    path: str | Path, needed: Sequence[str], columns: Mapping[str, str] | None
) -> pd.DataFrame:
    path = Path(path)
    if path.parts[:1] == ("~",):
        path = path.expanduser()
    table = read_table(path)
    rows = renamed(path, table, columns or {}, needed) if table.columns or table.rows else []
    texts, faults = text_rows(rows, needed)
    faults = sorted([*table.faults, *faults], key=lambda fault: fault.row)
    if faults:
        raise refusal(path, faults, max(one[0] for one in (*faults, *rows)))
    if not rows:
        raise ProductFileError(f"{short_path(path)}: there are no rows. Add at least one product.")
    frame = pd.DataFrame(texts)
    frame.attrs["lines"] = [row.line for row in rows]
    return frame


def check_lengths(
    path: str | Path, token_counts: list[int], max_length: int, lines: Sequence[int] = ()
) -> None:
    """Refuse rows that do not fit the context, since truncation would cut off their end.

    Args:
        path: the file the rows came from, for the message ("" for the course's own).
        token_counts: tokens of prompt and completion, one number a row, in file order.
        max_length: tokens that fit.
        lines: of the rows in their file, as from `row_lines`; none: the numbers of the rows.

    Raises:
        ProductFileError: names the first rows that are too long, and how many there are.
    """
    advice = "Shorten the description, or raise MAX_LENGTH up to the model's context."
    what = f"prompt and description together are {{}} tokens, and {max_length} fit (MAX_LENGTH)"
    numbers = range(1, len(token_counts) + 1)
    faults = [
        Fault(number, line, "description", what, advice, str(count))
        for number, line, count in zip(numbers, lines or numbers, token_counts, strict=True)
        if count > max_length
    ]
    if faults:
        raise refusal(path, faults, len(token_counts))


def check_special_tokens(path: str | Path, rows: pd.DataFrame, special_tokens: list[str]) -> None:
    """Refuse text that a tokenizer would turn into one of its special tokens.

    A description with `<|im_end|>` in the middle would teach the model to stop there.

    Args:
        path: the file the rows came from, for the message.
        rows: as from `read_products` or `read_new_products`, in file order.
        special_tokens: as text, such as `tokenizer.all_special_tokens`.

    Raises:
        ProductFileError: names the first cells that hold one, and how many there are.
    """
    records = rows.to_dict("records")
    what = "it holds {!r}, which the tokenizer reads as a special token and not as text"
    faults = [
        Fault(number, line, column, what.format(token), "Delete it.")
        for number, (line, row) in enumerate(zip(row_lines(rows), records, strict=True), start=1)
        for column in COLUMNS
        for token in special_tokens
        if token and token in row.get(column, "")
    ]
    if faults:
        raise refusal(path, faults, len(rows))
