"""Every token of one row with its label: what is read, what carries loss, the end, the padding.

Colours are inline styles. GitHub drops those, so each cell also says it in a mark, and what
carries loss is bold.
"""

import html
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from helpers.training import IGNORE_INDEX

COLUMNS = 10  # tokens a line
SHOWN = 3  # padding tokens one by one; more than these stand in one cell
LEGEND = "✓ carries loss, · is only read | ␣ space, ↵ new line, ⋯ more of the same character"
PROMPT, TRAINED, END, PADDING = "prompt", "trained", "end", "padding"
_COLORS = {PROMPT: "#e8e8e8", TRAINED: "#bfdcf2", END: "#ffd27f", PADDING: "#ffffff"}
_STYLE = "color:#111;text-align:center;padding:2px"
_NAMES = {PROMPT: "", TRAINED: "", END: "end ", PADDING: "pad "}
_VISIBLE = {" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"}
Ids = Sequence[int] | Tensor


class Token(NamedTuple):
    """One position of a row."""

    text: str  # readable; "⋯" where it goes on with the character before it
    kind: str  # PROMPT, TRAINED, END or PADDING
    target: bool  # carries loss


class LabelView(NamedTuple):
    """What `label_view` returns: a table in a notebook, the verdict anywhere else."""

    verdict: str
    tokens: list[Token]

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        return _html(self)


def label_view(
    tokenizer: PreTrainedTokenizerBase,
    input_ids: Ids,
    labels: Ids,
    attention_mask: Ids | None = None,
) -> LabelView:
    """Show one row: every token, whether it carries loss, and what is wrong with that.

    Args:
        input_ids, labels: (T,) int. A label is the token at its own place, or IGNORE_INDEX.
        attention_mask: (T,) 0 or 1. Without it, all tokens are taken to be read.

    Returns:
        A LabelView; its verdict begins with ✓, or marks each part that fails with ✗.

    Raises:
        ValueError: the lengths differ, the row is empty, or it is a batch and not one row.

    Source: notebooks/03_tokenization.ipynb, section 3.3.
    """
    ids, labels = _numbers(input_ids), _numbers(labels)
    mask = [1] * len(ids) if attention_mask is None else _numbers(attention_mask)
    if not ids or not len(ids) == len(labels) == len(mask):
        raise ValueError(
            f"one row of equal lengths is needed, not {len(ids)} input_ids, {len(labels)} labels "
            f"and {len(mask)} of attention_mask"
        )
    tail = _tail(tokenizer, ids)
    kinds = [
        PADDING if not mask[i] or i >= tail
        else END if ids[i] == tokenizer.eos_token_id
        else PROMPT if labels[i] == IGNORE_INDEX
        else TRAINED
        for i in range(len(ids))
    ]  # fmt: skip
    targets = [label != IGNORE_INDEX for label in labels]
    tokens = [Token(*token) for token in zip(_texts(tokenizer, ids), kinds, targets, strict=True)]
    moved = any(pair[0] not in (IGNORE_INDEX, pair[1]) for pair in zip(labels, ids, strict=True))
    read_padding = attention_mask is not None and sum(mask[tail:])
    return LabelView(_verdict(tokens, moved, read_padding), tokens)


def _numbers(row: Ids) -> list[int]:
    row = row.tolist() if hasattr(row, "tolist") else list(row)
    if row and not isinstance(row[0], int):
        raise ValueError("one row is needed, not a batch: take one of its rows, batch['labels'][0]")
    return row


def _tail(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> int:
    """Where the padding at the end begins; where it looks like an end token, one is real."""
    start = len(ids)
    while start and ids[start - 1] == tokenizer.pad_token_id:
        start -= 1
    if start < len(ids) and tokenizer.pad_token_id == tokenizer.eos_token_id:
        start += 1
    return start


def _texts(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    """Each token as text; a character made of several tokens stands with the first of them."""
    texts: list[str] = []
    while len(texts) < len(ids):
        first = len(texts)
        for size in range(1, 9):  # up to four bytes a character; a token may hold parts of two
            text = tokenizer.decode(ids[first : first + size], skip_special_tokens=False)
            if "\ufffd" not in text:
                break
        else:
            size, text = 1, "byte"
        raw = tokenizer.convert_ids_to_tokens(ids[first]) or ""
        if raw.startswith("▁") and not text.startswith(" "):  # decode() drops it there
            text = " " + text
        texts += [_readable(text)] + ["⋯"] * (min(size, len(ids) - first) - 1)
    return texts


def _readable(text: str) -> str:
    def show(character: str) -> str:
        if character in _VISIBLE:
            return _VISIBLE[character]
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
            return f"U+{ord(character):04X}"  # invisible, and some turn the direction of a line
        return character

    return ("◌" if unicodedata.combining(text[:1] or " ") else "") + "".join(map(show, text))


def _runs(tokens: list[Token]) -> list[tuple[int, int]]:
    """(start, stop) of each stretch of real tokens that carry loss."""
    runs, position = [], 0
    for trained, group in groupby(tokens, key=lambda t: t.target and t.kind != PADDING):
        length = len(list(group))
        runs += [(position, position + length)] * trained
        position += length
    return runs


def _ends(tokens: list[Token], stop: int) -> bool:
    """Whether the stretch that stops there is closed by an end token, blanks after it aside."""
    while stop and tokens[stop - 1].target and not tokens[stop - 1].text.strip("␣↵"):
        stop -= 1
    return tokens[stop - 1].kind == END


def _verdict(tokens: list[Token], moved: bool, read_padding: int) -> str:
    real = [token for token in tokens if token.kind != PADDING]
    runs, scored = _runs(tokens), sum(token.target for token in real)
    parts = [f"{scored} of {len(real)} tokens carry loss"] if scored else ["✗ nothing carries loss"]
    open_runs = [stop for _, stop in runs if not _ends(tokens, stop)]
    if open_runs:
        follows = open_runs[-1] < len(tokens) and tokens[open_runs[-1]].kind == END
        parts.append(f"✗ the end token is {'there, but not trained' if follows else 'missing'}")
    elif runs:
        parts.append("the end token is trained")
    if scored:
        trained = real[0].target
        parts.append("✗ the prompt is trained too" if trained else "nothing of the prompt is")
    padding = [token.target for token in tokens if token.kind == PADDING]
    if any(padding):
        parts.append(f"✗ {sum(padding)} of {len(padding)} tokens of padding are trained")
    else:
        parts.append("padding is not" if padding else "there is no padding")
    if moved:
        parts.append("✗ labels name other tokens than stand at their places")
    if read_padding:
        parts.append(f"✗ the attention mask lets the model read {read_padding} tokens of padding")
    sentence = "; ".join(parts)
    return sentence if "✗" in sentence else "✓ " + sentence


def _cells(tokens: list[Token]) -> list[str]:
    cells = []
    for (kind, target), group in groupby(tokens, key=lambda t: (t.kind, t.target)):
        group = list(group)
        if kind == PADDING and len(group) > SHOWN:
            group = [Token(f"{group[0].text} × {len(group)}", kind, target)]
        for token in group:
            text = f'<code style="background:none;color:inherit">{html.escape(token.text)}</code>'
            text = f"<b>{text}</b>" if target else text
            mark = _NAMES[kind] + ("✓" if target else "·")
            edge = "2px solid #d55e00" if kind == PADDING and target else "1px solid #fff"
            style = f"background:{_COLORS[kind]};border:{edge};{_STYLE}"
            cells.append(f'<td dir="auto" style="{style}">{text}<br><sub>{mark}</sub></td>')
    return cells


def _html(view: LabelView) -> str:
    cells = _cells(view.tokens)
    lines = [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]
    rows = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return f"<p>{html.escape(view.verdict)}</p><table>{rows}</table><p><sub>{LEGEND}</sub></p>"
