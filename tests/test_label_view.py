"""The label view: what it counts, what it complains about, and that any text can be shown."""

import html
import re
from html.parser import HTMLParser

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from helpers.label_view import LEGEND, LabelView, label_view

END = 0  # the tiny tokenizer's only special token: end and padding at once


@pytest.fixture(scope="module")
def row(tiny_tokenizer):
    """Three tokens of prompt, then four of completion, then the end token."""
    ids = tiny_tokenizer.convert_tokens_to_ids(list("abcdefg")) + [END]
    assert tiny_tokenizer.eos_token_id == tiny_tokenizer.pad_token_id == END
    return ids


def masked(ids, hidden):
    return [-100] * hidden + ids[hidden:]


def cells(view: LabelView) -> list[tuple[str, str, bool]]:
    """(text, mark, bold) of each cell, as they stand once attributes are dropped."""
    plain = re.sub(r"<(\w+)( [^>]*)>", r"<\1>", view._repr_html_())
    found = re.findall(r"<td>(<b>)?<code>(.*?)</code>(?:</b>)?<br><sub>(.*?)</sub></td>", plain)
    return [(html.unescape(text), mark, bool(bold)) for bold, text, mark in found]


def test_a_row_that_is_right_gets_a_tick_and_its_counts(tiny_tokenizer, row):
    view = label_view(tiny_tokenizer, row, masked(row, 3))
    assert repr(view) == (
        "✓ 5 of 8 tokens carry loss; the end token is trained; nothing of the prompt is; "
        "there is no padding"
    )


def test_each_token_says_in_a_mark_and_in_bold_what_its_colour_says(tiny_tokenizer, row):
    padded = [*row, END]
    view = label_view(tiny_tokenizer, padded, [*masked(row, 3), -100], [1] * 8 + [0])
    end = "<|end|>"
    prompt = [(letter, "·", False) for letter in "abc"]
    completion = [(letter, "✓", True) for letter in "defg"]
    assert cells(view) == [*prompt, *completion, (end, "end ✓", True), (end, "pad ·", False)]
    colors = re.findall(r"background:(#\w+)", view._repr_html_())
    assert [len(set(colors[a:b])) for a, b in ((0, 3), (3, 7))] == [1, 1]
    assert len(set(colors)) == 4


@pytest.mark.parametrize(
    ("case", "complaints"),
    {
        "prompt": ["✗ the prompt is trained too"],
        "inverted": ["✗ the end token is missing", "✗ the prompt is trained too"],
        "end masked": ["✗ the end token is there, but not trained"],
        "end cut off": ["✗ the end token is missing"],
        "nothing": ["✗ nothing carries loss"],
        "shifted": [
            "✗ the end token is there, but not trained",
            "✗ labels name other tokens than stand at their places",
        ],
        "zeros": [
            "✗ the prompt is trained too",
            "✗ labels name other tokens than stand at their places",
        ],
    }.items(),
)
def test_each_fault_is_named_and_no_other(tiny_tokenizer, row, case, complaints):
    ids, labels = {
        "prompt": (row, row),
        "inverted": (row, row[:3] + [-100] * 5),
        "end masked": (row, masked(row, 3)[:-1] + [-100]),
        "end cut off": (row[:-2], masked(row, 3)[:-2]),
        "nothing": (row, [-100] * 8),
        "shifted": (row, masked(row, 3)[1:] + [-100]),
        "zeros": (row, [0] * 3 + row[3:]),
    }[case]
    verdict = label_view(tiny_tokenizer, ids, labels).verdict
    assert [part for part in verdict.split("; ") if part.startswith("✗")] == complaints
    assert not verdict.startswith("✓")


@pytest.mark.parametrize(
    ("labels", "mask", "complaints"),
    [
        ("position", True, []),
        ("position", False, []),
        ("all", True, ["✗ 4 of 4 tokens of padding are trained"]),
        ("all", False, ["✗ 4 of 4 tokens of padding are trained"]),
        ("id", True, ["✗ the end token is there, but not trained"]),
        ("position", "ones", ["✗ the attention mask lets the model read 4 tokens of padding"]),
    ],
)
def test_padding_is_known_by_its_place_though_it_looks_like_the_end(
    tiny_tokenizer, row, labels, mask, complaints
):
    ids = row + [END] * 4
    wanted = {"position": [-100] * 4, "all": [END] * 4, "id": [-100] * 4}[labels]
    wanted = masked(row, 3) + wanted
    if labels == "id":
        wanted[7] = -100
    attention = {True: [1] * 8 + [0] * 4, False: None, "ones": [1] * 12}[mask]
    verdict = label_view(tiny_tokenizer, ids, wanted, attention).verdict
    assert [part for part in verdict.split("; ") if part.startswith("✗")] == complaints
    assert " of 8 tokens carry loss" in verdict


def test_padding_on_the_left_is_no_prompt(tiny_tokenizer, row):
    ids, mask = [END] * 2 + row, [0] * 2 + [1] * 8
    view = label_view(tiny_tokenizer, ids, [-100] * 5 + row[3:], mask)
    assert view.verdict.startswith("✓ 5 of 8")
    assert [token.kind for token in view.tokens[:3]] == ["padding", "padding", "prompt"]
    all_trained = label_view(tiny_tokenizer, ids, [-100] * 2 + row, mask).verdict
    assert "✗ the prompt is trained too" in all_trained


def test_every_answer_of_a_conversation_needs_its_end(tiny_tokenizer):
    ids = [5, 6, END, 7, 8, END, 5, END, 9, 10, END]
    both = [-100] * 3 + [7, 8, END] + [-100] * 2 + [9, 10, END]
    assert label_view(tiny_tokenizer, ids, both).verdict.startswith("✓ 6 of 11")
    first_open = both[:5] + [-100] + both[6:]
    assert "✗ the end token is there" in label_view(tiny_tokenizer, ids, first_open).verdict


def test_a_line_break_that_is_trained_after_the_end_leaves_the_end_trained(tiny_tokenizer, row):
    (line_break,) = tiny_tokenizer("\n")["input_ids"]
    ids = [*row, line_break]
    assert label_view(tiny_tokenizer, ids, masked(ids, 3)).verdict.startswith("✓ 6 of 9")


def test_a_long_run_of_padding_stands_in_one_cell(tiny_tokenizer, row):
    view = label_view(tiny_tokenizer, row + [END] * 500, row + [END] * 500)
    assert cells(view)[-1] == ("<|end|> × 500", "pad ✓", True)
    assert len(view._repr_html_()) < 5000


def test_tensors_and_lists_are_taken_alike(tiny_tokenizer, row):
    labels = masked(row, 3)
    tensors = map(torch.tensor, (row, labels, [1] * 8))
    assert label_view(tiny_tokenizer, *tensors) == label_view(tiny_tokenizer, row, labels)


@pytest.mark.parametrize(
    "text",
    [
        "קומקום חשמלי, 1.7 L",
        "الغلّاية الكهربائية",
        "不锈钢电热水壶",
        "crème brûlée 🫖👩‍🍳",
        'a <b>mug</b> & "bowl" <script>alert(1)</script>',
        "a  b\n\n\tc\r\n",
        "\u202eright to left override\u200f \u0301 \ufeff",
    ],
)
def test_any_text_can_be_read_in_its_cells(tiny_tokenizer, text):
    ids = tiny_tokenizer(text)["input_ids"]
    view = label_view(tiny_tokenizer, ids, ids)
    assert len(view.tokens) == len(ids)  # many of them single bytes
    shown = "".join(token.text for token in view.tokens)
    assert "\ufffd" not in shown and "byte" not in shown
    for visible, blank in (("⋯", ""), ("◌", ""), ("␣", " "), ("↵", "\n"), ("⇥", "\t"), ("␍", "\r")):
        shown = shown.replace(visible, blank)
    shown = re.sub(r"U\+([0-9A-F]{4})", lambda match: chr(int(match[1], 16)), shown)
    assert shown == text


def test_marks_that_turn_a_line_or_sit_on_a_letter_are_spelled_out(tiny_tokenizer):
    ids = tiny_tokenizer("\u202e\u0301")["input_ids"]
    texts = [token.text for token in label_view(tiny_tokenizer, ids, ids).tokens]
    assert [text for text in texts if text != "⋯"] == ["U+202E", "◌\u0301"]


def test_bytes_that_make_no_character_are_called_bytes(tiny_tokenizer):
    ids = tiny_tokenizer("壶")["input_ids"]
    assert len(ids) == 3
    tokens = label_view(tiny_tokenizer, [*ids[:2], 5], [*ids[:2], 5]).tokens
    assert [token.text for token in tokens[:2]] == ["byte", "byte"]


def test_a_space_that_decoding_drops_is_shown():
    vocabulary = {"<unk>": 0, "</s>": 1, "▁mug": 2, "s": 3}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>")),
        eos_token="</s>",
        unk_token="<unk>",
    )
    assert tokenizer.pad_token_id is None
    tokens = label_view(tokenizer, [2, 3, 1], [-100, 3, 1]).tokens
    assert tokens[0].text.startswith("␣") and not tokens[1].text.startswith("␣")


class Tags(HTMLParser):
    """Collects tags, attributes and whether they are balanced."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], set(), set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_only_tags_that_github_keeps_are_used_and_nothing_of_the_text_becomes_one():
    hostile = ["</td></table>", "<script>", "<img src=x onerror=alert(1)>", '"><i>', "&amp;"]
    vocabulary = {token: i for i, token in enumerate(["<end>", *hostile])}
    words = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary)), eos_token="<end>"
    )
    ids = [1, 2, 3, 4, 5, 0]
    view, parser = label_view(words, ids, ids), Tags()
    parser.feed(view._repr_html_())
    assert not parser.open
    assert parser.seen == {"p", "table", "tr", "td", "b", "code", "br", "sub"}
    assert parser.attributes == {"dir", "style"}
    spaced = [text.replace("␣", " ") for text, _, _ in cells(view)]
    assert spaced == [*hostile, "<end>"]
    assert html.unescape(LEGEND) == LEGEND


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2], [1]), "equal lengths is needed, not 2 input_ids, 1 labels"),
        (([1, 2], [1, 2], [1]), "1 of attention_mask"),
        (([], []), "not 0 input_ids"),
        (([[1, 2]], [[1, 2]]), "not a batch"),
        ((torch.ones(1, 2).long(), torch.ones(1, 2).long()), "not a batch"),
    ],
)
def test_what_is_not_one_row_is_refused(tiny_tokenizer, arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        label_view(tiny_tokenizer, *arguments)
