"""helpers/report.py and helpers/pages.py: no sentence claims what its numbers do not say."""

import random
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers import first_look, own_texts, pages, report
from helpers.intervals import bootstrap_mean, wilson
from notebook_files import NOTEBOOKS, define

NAMES = ("the first", "the second")
ALL = list(report.COUNTS)


def counts(rows=20, coverage=1.0, color=1.0, wrong=0.0, invented=0.0, stopped=1.0):
    """Counts of so many texts; each share is met by the first rows."""

    def first(share):
        return [i < share * rows - 1e-9 for i in range(rows)]

    return pd.DataFrame(
        {
            "coverage": [coverage] * rows,
            "colour named": first(color),
            "wrong colour": first(wrong),
            "invented number": first(invented),
            "stopped": first(stopped),
            "tokens": [30] * rows,
        }
    )


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("seed", range(25))
def test_a_change_is_claimed_only_where_the_interval_leaves_0_out(seed, higher_is_better):
    rng = random.Random(seed)
    rows, shift = rng.choice([3, 10, 30, 100]), rng.choice([-0.4, -0.1, 0.0, 0.0, 0.1, 0.4])
    before = pd.Series([rng.random() for _ in range(rows)])
    after = before + pd.Series([rng.gauss(shift, 0.3) for _ in range(rows)])
    said = report.change("Coverage", before, after, NAMES, higher_is_better)
    low, high = bootstrap_mean((after - before).to_numpy())
    if rows < 10:
        assert "too few to tell them apart" in said and "is better" not in said
    elif low <= 0 <= high:
        assert f"these {rows} rows can't tell them apart" in said
    else:
        assert ("the second is better" in said) == ((low > 0) == higher_is_better)
        assert ("the second is worse" in said) == ((low > 0) != higher_is_better)
        assert f"[{min(abs(low), abs(high)):.2f}, {max(abs(low), abs(high)):.2f}]" in said
    assert f"the first {before.mean():.2f}, the second {after.mean():.2f}" in said


def test_a_few_rows_that_differ_prove_nothing_and_six_may():
    before = pd.Series([False] * 12)
    for differ, claim in ((5, False), (6, True), (12, True)):
        after = pd.Series([i < differ for i in range(12)])
        said = report.change("Stopped", before, after, NAMES)
        assert ("the second is better" in said) == claim, said


def test_rows_that_all_differ_alike_are_given_no_interval_of_0_width():
    never, always = pd.Series([False] * 12), pd.Series([True] * 12)
    said = report.change("Stopped", never, always, NAMES)
    assert said.endswith("the second is better, by 1.00 in each of 12 rows.")


def test_equal_systems_are_not_told_apart_and_a_tiny_gain_is_not_shown_as_0():
    same = pd.Series([0.5] * 40)
    assert "can't tell them apart" in report.change("Coverage", same, same, NAMES)
    assert "better, by less than 0.01." in report.change("Coverage", same, same + 0.004, NAMES)


@pytest.mark.parametrize("coverage", [0.97, 0.9, 0.7, 0.5, 0.49, 0.02])
def test_coverage_is_judged_by_exactly_where_the_look_at_the_file_says_that_it_measures(coverage):
    own = counts(coverage=coverage)
    rows = pd.DataFrame({"description": ["A text."] * len(own)})
    rows = rows.assign(color="navy")
    said = " ".join(own_texts.what_counts_see(rows, own))
    assert ("coverage" in report.counts_seen(rows, own)) == (
        "coverage measures nothing" not in said
    )


def test_where_the_counts_see_nothing_no_sentence_is_about_features():
    before, after = counts(coverage=0.0, color=0.0), counts()
    seen = report.change_sentences(before, after, NAMES, ALL)
    unseen = report.change_sentences(before, after, NAMES, ALL[2:])
    assert [one.split(":")[0] for one in seen] == [
        "Coverage", "Colour named", "Wrong colour", "Invented number", "Stopped",
    ]  # fmt: skip
    assert unseen == seen[2:]
    assert "the second is better" in seen[0]
    worse = report.change_sentences(counts(), counts(wrong=0.9), NAMES, ALL)
    assert "the second is worse, by 0.90" in worse[2]


def test_a_file_is_told_by_its_own_numbers():
    rows = pd.DataFrame(
        {
            "category": ["Home"] * 4,
            "name": ["Mug", "Cup", "Lamp", "Vase"],
            "features": ["a, b", "a", "a, b, c", "a, b, c"],
            "description": ["One two.", "one  TWO.", "Four.", "Five."],
        }
    )
    first, twice, lengths = report.file_sentences("my.csv", first_look.overview(rows, [5, 5, 9, 7]))
    assert first == "my.csv holds 4 rows in 3 families; the largest of them has 2."
    assert twice == "2 of 4 rows share their description with another row."
    assert lengths == (
        "Half of the descriptions have 6 tokens or fewer, the longest 9; half of the rows have 2 "
        "features or fewer."
    )
    _, none, _ = report.file_sentences("my.csv", first_look.overview(rows.tail(2), [9, 7]))
    assert none == "No description stands there twice."


def test_each_limit_gives_its_count_and_how_sure_it_is():
    counted = counts(rows=10, coverage=0.5, color=0.8, stopped=0.9)
    said = report.limit_sentences(counted, 120, ALL)
    assert report.limit_sentences(counted, 120, ALL[2:]) == said[2:]
    hits = [int(one.split()[0]) for one in said]
    assert hits == [10, 2, 0, 0, 1]
    for one, count in zip(said, hits, strict=True):
        low, high = wilson(count, 10)
        assert f"{count} of 10 texts" in one and f"{low:.2f} to {high:.2f}" in one
    assert "within 120 tokens" in said[-1]


def test_the_worst_rows_come_first_by_faults_and_where_these_see_nothing_by_cost():
    counted = counts(rows=4)
    counted.loc[2, "coverage"], counted.loc[1, "invented number"] = 0.5, True
    costs = pd.Series([0.1, 0.2, 0.3, 0.9], index=[7, 8, 9, 10])
    assert report.worst_first(counted, costs, ALL) == [1, 2, 3, 0]
    assert report.worst_first(counted, costs, ["stopped"]) == [3, 2, 1, 0]
    counted.loc[0, "stopped"], counted.loc[0, "colour named"] = False, False
    assert report.worst_first(counted, costs, ALL)[0] == 0


def test_the_three_numbers_stand_beside_the_rows_own_and_say_when_they_measure_nothing():
    nll, tuned = {"starting": 1.81, "tuned": 0.68}, counts(coverage=0.9, stopped=0.5)
    shown = report.three_numbers(nll, counts(), tuned, ALL)
    assert list(shown.values()) == [
        "1.81 before, 0.68 after",
        "0.90 (your own texts: 1.00)",
        "0.00 (your own texts: 1.00)",
    ]
    blind = report.three_numbers(nll, counts(coverage=0.02), tuned, ALL[1:])
    assert list(blind.values())[1:] == [
        "0.90 (your own texts: 0.02; measures nothing here)",
        "0.50 (your own texts: 1.00)",
    ]


def test_each_blind_count_is_left_out_alone():
    rows = pd.DataFrame({"color": ["navy"] * 20})
    assert report.counts_seen(rows, counts()) == ALL
    assert report.counts_seen(rows, counts(color=0.1)) == [ALL[0], *ALL[2:]]
    assert report.counts_seen(rows.assign(color="bleu"), counts()) == [*ALL[:2], *ALL[3:]]


def test_no_fault_in_any_count_is_what_09_calls_clean():
    rng = random.Random(0)
    counted = pd.DataFrame(
        {
            "coverage": [rng.choice([1.0, 1.0, 0.5]) for _ in range(60)],
            **{name: [rng.random() < 0.8 for _ in range(60)] for name in ALL[1:]},
        }
    )
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("09"))
    taught = define(path, "is_clean")
    assert (~report.faults(counted, ALL).any(axis=1)).equals(taught(counted))
    assert report.faults(counted, ["stopped"])["stopped"].equals(~counted["stopped"])


def test_the_verdict_names_what_the_rows_tell_and_no_more():
    lower = pd.Series([1.0 + i / 100 for i in range(20)])
    better, counts_told, unknown = report.verdict(
        (lower + 1, lower), counts(), counts(coverage=0.5, color=0.5, stopped=0.5), ALL
    )
    assert better.endswith("better than the starting one.")
    assert counts_told.endswith("from the f-string by coverage (lower), colour named (lower).")
    assert unknown.endswith("no count says: read.")
    same, none, _ = report.verdict((lower, lower), counts(), counts(), ALL)
    assert same.startswith("These rows can't tell") and none.endswith("by no count.")


def test_where_more_is_not_better_the_sentence_says_higher_or_lower():
    before, after = pd.Series([0.5] * 20), pd.Series([0.75] * 20)
    said = report.change("Coverage", before, after, NAMES, None, digits=3)
    assert said == (
        "Coverage: the first 0.500, the second 0.750; the second is higher, by 0.250 in each of 20 "
        "rows."
    )


class Links(HTMLParser):
    """What a page asks others for, and the texts in it."""

    def __init__(self, page: str):
        super().__init__()
        self.asked, self.scripts, self.names = [], 0, set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.asked += [value for name, value in attributes if name in ("src", "href")]
        self.names |= {name for name, _ in attributes}
        self.scripts += tag in ("script", "link", "iframe")


def test_a_page_needs_no_other_file_and_runs_no_text_of_a_row():
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    evil = '<script src="http://x.example/a.js"></script>'
    made = pages.page(
        evil,
        [
            pages.heading(evil),
            pages.sentences([evil]),
            pages.table(pd.DataFrame({evil: [evil]}, index=[evil])),
            pages.picture(figure, evil + '" onerror="alert(1)'),
        ],
    )
    plt.close(figure)
    found = Links(made)
    assert found.scripts == 0
    assert len(found.asked) == 1 and found.asked[0].startswith("data:image/png;base64,iVBOR")
    assert "url(" not in made and "@import" not in made
    assert "onerror" not in found.names


def test_a_table_of_markdown_has_a_cell_a_value():
    frame = pd.DataFrame({"a|b": ["1", "x|y"]}, index=["first", "second"])
    assert pages.markdown_table(frame).splitlines() == [
        "|  | a\\|b |",
        "| --- | --- |",
        "| first | 1 |",
        "| second | x\\|y |",
    ]
    assert pages.markdown_list(["One.", "Two."]) == "- One.\n- Two."
