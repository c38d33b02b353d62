"""Splits that keep products of one family together."""

import random

import pandas as pd


def group_split(
    products: pd.DataFrame,
    sizes: dict[str, int],
    seed: int,
    reserved: dict[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Deal whole families out to splits, so that no split has met another's kind of product.

    Large families are dealt first, then the small ones that fill the gaps; each goes where its
    category has the most room left.

    Args:
        products: one row a product, with columns `family` and `category`.
        sizes: rows wanted in each split; they add up to len(products). They are met exactly if
            enough families are small; a family that fits nowhere whole goes where most room is.
        seed: the order in which families of one size are dealt.
        reserved: family -> split, for families that have to lie in a given split.

    Returns:
        Split name -> its rows, in the order of `products`.

    Raises:
        ValueError: the sizes do not add up, a reserved family or its split does not exist, or a
            split stays empty because there are too few families.

    Source: notebooks/02_data_curation.ipynb, section 2.9.
    """
    if sum(sizes.values()) != len(products):
        raise ValueError(f"sizes {sizes} do not add up to {len(products)} rows")
    reserved = reserved or {}
    unknown = (set(reserved) - set(products.family)) | (set(reserved.values()) - set(sizes))
    if unknown:
        raise ValueError(f"reserved names what is neither a family nor a split: {sorted(unknown)}")
    families = [rows for _, rows in products.groupby("family")]
    random.Random(seed).shuffle(families)
    families.sort(key=lambda rows: (rows.family.iloc[0] not in reserved, -len(rows)))
    room = dict(sizes)
    share = {name: size / len(products) for name, size in sizes.items()}
    category_room = {
        (name, category): share[name] * count
        for category, count in products.category.value_counts().items()
        for name in sizes
    }
    chosen: dict[str, list[int]] = {name: [] for name in sizes}
    for rows in families:
        family, category = rows.family.iloc[0], rows.category.iloc[0]
        fitting = [reserved[family]] if family in reserved else list(sizes)
        fitting = [n for n in fitting if room[n] >= len(rows)] or [max(fitting, key=room.get)]
        name = max(fitting, key=lambda n: (category_room[n, category] / share[n], room[n]))
        chosen[name] += list(rows.index)
        room[name] -= len(rows)
        category_room[name, category] -= len(rows)
    empty = [name for name, index in chosen.items() if not index]
    if empty:
        raise ValueError(
            f"nothing is left for {', '.join(empty)}: {len(families)} families can't fill "
            f"{len(sizes)} splits. Add products of other families."
        )
    return {name: products[products.index.isin(index)] for name, index in chosen.items()}


def families(products: pd.DataFrame) -> pd.Series:
    """What has to stay on one side of a split: rows that share a family, a name or a description.

    Args:
        products: one row a product, with `name`, and if there are any `family` (where "" means
            unknown) and `description`.

    Returns:
        For each row the family, or else the name, of the first row that it hangs together with.
    """
    rows = products.reset_index(drop=True)
    unknown = pd.Series("", index=rows.index)
    shared = [rows.get(name, unknown) for name in ("family", "name", "description")]
    shared = [text.str.lower().str.split().str.join(" ") for text in shared]
    first, before = pd.Series(rows.index), None
    while not first.equals(before):
        before = first
        for text in shared:
            first = first.groupby(text.where(text != "", first.astype(str))).transform("min")
    label = rows["name"].where(shared[0] == "", rows.get("family", unknown))
    return pd.Series(label[first].to_numpy(), index=products.index, name="family")


def hold_out(products: pd.DataFrame, seed: int, share: float = 0.2) -> dict[str, pd.DataFrame]:
    """Split rows in two, so that no family, name or description lies on both sides.

    Args:
        products: one row a product, with `category` and what `families` asks for.
        seed: the order in which families of one size are dealt.
        share: of the rows, wanted in validation. Where each family is larger than that, the
            smallest one goes there.

    Returns:
        "train" and "validation", in the order of `products`; `family` holds what `families` says.

    Raises:
        ValueError: all rows are of one family.
    """
    rows = products.assign(family=families(products))
    count = max(1, round(share * len(rows)))
    kinds = rows["family"].value_counts()
    reserved = {kinds.idxmin(): "validation"} if kinds.min() > count else {}
    return group_split(rows, {"train": len(rows) - count, "validation": count}, seed, reserved)
