"""helpers/splits.py on a table whose categories and family sizes are uneven."""

import pandas as pd
import pytest

from helpers.splits import families, group_split, hold_out

SIZES = {"train": 60, "validation": 20, "test": 20}
FAMILY_SIZES = {  # 50, 30 and 20 rows; families of 1 to 5 rows
    "kitchen": [5] * 4 + [3] * 5 + [1] * 15,
    "garden": [4] * 3 + [2] * 4 + [1] * 10,
    "toys": [5] * 2 + [2] * 3 + [1] * 4,
}


def made_up_table() -> pd.DataFrame:
    rows = [
        {"family": f"{category} {number}", "category": category}
        for category, sizes in FAMILY_SIZES.items()
        for number, size in enumerate(sizes)
        for _ in range(size)
    ]
    table = pd.DataFrame(rows).assign(name=[f"product {i}" for i in range(len(rows))])
    return table.sample(frac=1, random_state=0)


TABLE = made_up_table()


def names(splits: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    return {name: rows.name.tolist() for name, rows in splits.items()}


@pytest.mark.parametrize("seed", range(5))
def test_every_split_has_its_size_and_every_row_lies_in_one(seed):
    splits = group_split(TABLE, SIZES, seed)
    assert {name: len(rows) for name, rows in splits.items()} == SIZES
    together = [name for rows in splits.values() for name in rows.name]
    assert sorted(together) == sorted(TABLE.name)


@pytest.mark.parametrize("seed", range(5))
def test_families_stay_whole(seed):
    splits = group_split(TABLE, SIZES, seed)
    homes = [set(rows.family) for rows in splits.values()]
    assert sum(map(len, homes)) == len(set.union(*homes)) == TABLE.family.nunique()


@pytest.mark.parametrize("seed", range(5))
def test_no_category_is_off_its_share_by_more_than_two_rows(seed):
    splits = group_split(TABLE, SIZES, seed)
    for name, rows in splits.items():
        for category, count in TABLE.category.value_counts().items():
            fair = count * SIZES[name] / len(TABLE)
            assert abs((rows.category == category).sum() - fair) <= 2, (name, category)


@pytest.mark.parametrize("seed", range(5))
def test_reserved_families_lie_where_they_must(seed):
    reserved = {"kitchen 0": "test", "kitchen 23": "test", "garden 1": "test", "toys 0": "train"}
    splits = group_split(TABLE, SIZES, seed, reserved)
    for family, wanted in reserved.items():
        assert {name for name in splits if family in set(splits[name].family)} == {wanted}
    assert {name: len(rows) for name, rows in splits.items()} == SIZES


def test_a_small_reserved_family_has_its_place_before_larger_ones_fill_it():
    table = pd.DataFrame({"family": ["a", "b", "b", "c", "c", "c"], "category": "kitchen"})
    splits = group_split(table, {"test": 3, "train": 3}, 0, {"a": "test", "b": "test"})
    assert splits["test"].family.tolist() == ["a", "b", "b"]


def test_one_seed_always_deals_alike():
    first = group_split(TABLE, SIZES, 3)
    assert names(group_split(TABLE.copy(), SIZES, 3)) == names(first)


def test_another_seed_deals_otherwise():
    deals = {str(names(group_split(TABLE, SIZES, seed))) for seed in range(5)}
    assert len(deals) > 1


def test_rows_keep_the_order_of_the_table():
    place = {name: i for i, name in enumerate(TABLE.name)}
    for rows in group_split(TABLE, SIZES, 0).values():
        places = [place[name] for name in rows.name]
        assert places == sorted(places)


def test_all_columns_are_kept_and_the_table_is_left_alone():
    table = TABLE.copy()
    splits = group_split(table, SIZES, 0)
    pd.testing.assert_frame_equal(table, TABLE)
    for rows in splits.values():
        pd.testing.assert_frame_equal(rows, TABLE.loc[rows.index])


@pytest.mark.parametrize("train", [59, 61])
def test_sizes_that_do_not_add_up_are_refused_with_the_number_of_rows(train):
    with pytest.raises(ValueError, match="do not add up to 100"):
        group_split(TABLE, SIZES | {"train": train}, 0)


def test_a_family_larger_than_every_split_stays_whole():
    table = pd.DataFrame({"family": ["mug"] * 4 + ["bowl"] * 2, "category": "kitchen"})
    splits = group_split(table, {"train": 3, "test": 3}, 0)
    assert sorted(len(rows) for rows in splits.values()) == [2, 4]
    assert all(rows["family"].nunique() == 1 for rows in splits.values())


def test_a_reserved_family_larger_than_its_split_is_not_put_elsewhere():
    table = pd.DataFrame({"family": ["mug"] * 3 + ["bowl"] * 3, "category": "kitchen"})
    splits = group_split(table, {"train": 4, "test": 2}, 0, {"mug": "test"})
    assert set(splits["test"]["family"]) == {"mug"} and len(splits["test"]) == 3


def test_a_split_that_would_stay_empty_is_named():
    table = pd.DataFrame({"family": ["mug"] * 4, "category": "kitchen"})
    with pytest.raises(ValueError, match="nothing is left for test"):
        group_split(table, {"train": 3, "test": 1}, 0)


@pytest.mark.parametrize("reserved", [{"kettel": "test"}, {"mug": "tset"}])
def test_a_misspelt_reservation_is_refused(reserved):
    table = pd.DataFrame({"family": ["mug", "bowl"], "category": "kitchen"})
    with pytest.raises(ValueError, match="kettel|tset"):
        group_split(table, {"train": 1, "test": 1}, 0, reserved)


def products_of(**columns: list[str]) -> pd.DataFrame:
    count = len(columns["name"])
    texts = {"description": [f"text {i}" for i in range(count)], "category": ["home"] * count}
    return pd.DataFrame(texts | columns, index=[7 + 2 * i for i in range(count)])


def test_without_families_a_name_or_a_text_ties_rows_together():
    rows = products_of(
        name=["Lamp", "Mug", " lamp", "Cup", "Vase"], description=["a", "b", "c", "B", "d"]
    )
    assert families(rows).tolist() == ["Lamp", "Mug", "Lamp", "Mug", "Vase"]
    assert families(rows).index.equals(rows.index)


def test_a_blank_family_is_unknown_and_not_one_family():
    rows = products_of(name=list("abcde"), family=["lamp", "", "", "lamp", "mug"])
    assert families(rows).tolist() == ["lamp", "b", "c", "lamp", "mug"]


def test_what_hangs_together_over_several_rows_is_one_family():
    rows = products_of(
        name=["a", "b", "c", "d", "d"],
        family=["lamp", "lamp", "mug", "mug", ""],
        description=["1", "2", "2", "3", "4"],
    )
    assert families(rows).tolist() == ["lamp"] * 5


def test_the_courses_families_stay_as_they_are():
    assert families(products_of(name=list("abc"), family=["x", "y", "x"])).tolist() == list("xyx")


@pytest.mark.parametrize("seed", range(3))
def test_what_is_held_out_shares_no_family_name_or_text_with_what_is_trained_on(seed):
    names = [f"shoe {i % 37}" for i in range(60)]
    texts = [f"text {i % 29}" if i % 3 else f"text {i}" for i in range(60)]
    kinds = ["" if i % 2 else f"kind {i % 10}" for i in range(60)]
    rows = products_of(name=names, description=texts, family=kinds).iloc[:40]
    rows = rows.assign(features=[f"size {i}" for i in range(40)])
    parts = hold_out(rows, seed)
    assert sorted(part for name in parts for part in parts[name].index) == list(rows.index)
    for column in ("name", "description"):
        assert not set(parts["train"][column]) & set(parts["validation"][column])
    given = [set(rows.loc[parts[name].index, "family"]) - {""} for name in parts]
    assert not given[0] & given[1]


def test_one_row_in_five_is_held_out_and_rows_keep_their_order_and_columns():
    rows = products_of(name=[f"shoe {i}" for i in range(40)], sku=[f"A{i}" for i in range(40)])
    parts = hold_out(rows, 0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 32, "validation": 8}
    for part in parts.values():
        assert list(part.index) == sorted(part.index)
        assert (part["sku"] == rows.loc[part.index, "sku"]).all()
        assert (part["family"] == part["name"]).all()
    assert "family" not in rows
    assert len(hold_out(rows, 0, share=0.5)["validation"]) == 20


@pytest.mark.parametrize(
    "kinds", ["a" * 6 + "b" * 6, "a" * 4 + "b" * 4 + "c" * 4, "a" * 9 + "b" * 3]
)
def test_of_few_large_families_the_smallest_is_held_out(kinds):
    rows = products_of(name=[f"shoe {i}" for i in range(12)], family=list(kinds))
    parts = hold_out(rows, 0)
    smallest = min(kinds.count(kind) for kind in kinds)
    assert len(parts["validation"]) == smallest
    assert len(parts["train"]) == 12 - smallest
    assert parts["validation"]["family"].nunique() == 1


def test_rows_of_one_family_can_not_be_held_out():
    rows = products_of(name=["shoe"] * 5)
    with pytest.raises(ValueError, match="nothing is left for train"):
        hold_out(rows, 0)
