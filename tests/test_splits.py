"""helpers/splits.py on a table whose categories and family sizes are uneven."""

import pandas as pd
import pytest

from helpers.splits import group_split

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
