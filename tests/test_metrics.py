"""helpers/metrics.py: cases decided by hand, and wrong metrics that the cases tell apart."""

import re

import pytest

from helpers.metrics import coverage, covered, invented_numbers, names_color, wrong_colors

TWENTY_WORDS = "kept for years by people who cook and bake " * 2 + "and wash"

COVERED = [
    ("1.7L", "It holds 1.7 l of water.", True),
    ("1.7L", "It holds 1.7 litres of water.", True),
    ("1.7 litres", "A 1.7L kettle.", True),
    ("1.7 L", "A 1.7-liter kettle.", True),
    ("1.7 L capacity", "Its capacity is 1.7 litres.", True),
    ("1.7 L capacity", "A 1.7-litre kettle.", True),  # what litres measure needs no word
    ("200 l volume", "Two hundred litres of rain.", True),
    ("1.7 L tank capacity", "A 1.7-litre kettle.", False),
    ("1.7 L capacity", "A 2-litre kettle with the capacity to boil.", False),
    ("battery capacity", "A battery.", False),
    ("1.7L", "It weighs 1.7 kg.", False),
    ("1.7L", "It holds 17 L.", False),
    ("1.7L", "It holds 1.75 L.", False),
    ("1.7L", "It holds 11.7 L.", False),
    ("1.7L", "It holds 7 L.", False),
    ("1.7 L capacity", "A capacity of 2 L, and 1.7 kg light.", False),
    ("5 m cable", "The cable lasts 5 minutes.", False),
    ("5 g", "It weighs 5 kg.", False),
    ("30-hour battery", "The battery runs for 30 hours.", True),
    ("30-hour battery", "The battery runs for 30 minutes.", False),
    ("30-hour battery", "The battery charges in 30 minutes and lasts 20 hours.", False),
    ("1500 watts", "Its 1,500 W boil fast.", True),
    ("1,500 W", "Its 1500 watts boil fast.", True),
    ("1500 W", "Its 1.5 W boil slowly.", False),
    ("1500 W", "Its 500 W boil slowly.", False),
    ("1,234,567 dots", "All 1234567 dots.", True),
    ("1,234,567 dots", "All 1234568 dots.", False),
    ("2.0 m", "It is 2 metres long.", True),
    ("2 m", "It is 2.0 m long.", True),
    ("2.50 m", "It is 2.5 m long.", True),
    ("20 m", "It is 2.0 m long.", False),
    ("100% cotton", "Made of 100 percent cotton.", True),
    ("40 °C wash", "We wash it at 40°C.", True),
    ("three pockets", "It has 3 pockets.", True),
    ("3 pockets", "It has three roomy pockets.", True),
    ("3 pockets", "It has pockets, and there are three.", True),
    ("a dozen pens", "It comes with 12 pens.", True),
    ("6 pens", "It comes with half a dozen pens.", True),
    ("6 pens", "It comes with a half-dozen pens.", True),
    ("12 pens", "It comes with half a dozen pens.", False),
    ("3 pockets", "It has pockets.", False),
    ("3 pockets", "It has four pockets.", False),
    ("3 pockets", "It has 30 pockets.", False),
    ("3 pockets", "It comes in 3 sizes, and inside a padded sleeve there are pockets.", False),
    ("pocket", "It has pockets.", True),
    ("2 pockets", "It has 2 pockets and 3 zips.", True),
    ("3 pockets", "It has 2 pockets and 3 zips.", False),
    ("2 zips", "It has 2 pockets and 3 zips.", False),
    ("set of 5", "This set of 5 Springholt Bands is red.", True),
    ("25 W", "It draws twenty-five watts.", True),
    ("200 pages", "A novel of two hundred pages.", True),
    ("360° rotation", "It allows 360 degrees of rotation.", True),
    ("shelves", "It has one shelf.", False),  # a stem is cut by rule and knows no grammar
    ("padded straps", "Each strap is padded.", True),
    ("Padded Straps", "PADDED straps", True),
    ("adjustable straps", "You adjust the strap.", True),
    ("water bottle", "a bottle of water", True),
    ("made of oak", "Oak, made to last.", True),
    ("stay-cool handle", "The handle stays cool.", True),
    ("chef’s knife", "A chef's knife.", True),
    ("padded straps", "It has straps.", False),
    ("padded laptop sleeve", "A padded sleeve.", False),
    ("waterproof", "It holds water.", False),
    ("lid", "It is solid.", False),
    ("cat", "Delicate categories.", False),
    ("padded straps", "Padded all over." + f" It is {TWENTY_WORDS}." + " It has straps.", False),
    ("steel body", f"Steel. It is {TWENTY_WORDS}. It has a steel body.", True),
    ("padded straps", "", False),
]


def content_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9.]+", text.lower())


WRONG_COVERED = {
    "always": lambda feature, text: True,
    "never": lambda feature, text: False,
    "as a substring": lambda feature, text: feature.lower() in text.lower(),
    "each word as a substring": lambda feature, text: all(
        word in text.lower() for word in content_words(feature)
    ),
    "any word": lambda feature, text: bool(
        set(content_words(feature)) & set(content_words(text)),
    ),
    "all words unstemmed": lambda feature, text: (
        set(content_words(feature)) <= set(content_words(text))
    ),
    "without numbers": lambda feature, text: covered(re.sub(r"[\d.,]+", "", feature), text),
    "without units": lambda feature, text: covered(
        *(
            re.sub(r"(?i)(?<=\d)[ -]?(l|litres?|kg|g|m|minutes?|hours?|w)\b", "", s)
            for s in (feature, text)
        )
    ),
    "without the decimal point": lambda feature, text: covered(
        feature.replace(".", ""), text.replace(".", "")
    ),
    "without number words": lambda feature, text: (
        covered(feature, text) and re.findall(r"\d", feature) == re.findall(r"\d", text)
    ),
    "with commas as decimal points": lambda feature, text: covered(
        feature.replace(",", "."), text.replace(",", ".")
    ),
    "words anywhere": lambda feature, text: all(covered(word, text) for word in feature.split()),
    "sentence by sentence only": lambda feature, text: any(
        covered(feature, sentence) for sentence in text.split(",")
    ),
}


@pytest.mark.parametrize(("feature", "text", "expected"), COVERED)
def test_a_feature_is_covered_exactly_where_a_reader_says_so(feature, text, expected):
    assert covered(feature, text) is expected


@pytest.mark.parametrize("wrong", WRONG_COVERED.values(), ids=WRONG_COVERED)
def test_a_wrong_coverage_fails_some_case(wrong):
    assert any(wrong(feature, text) is not expected for feature, text, expected in COVERED)


@pytest.mark.parametrize(("between", "expected"), [(4, True), (5, False)])
def test_a_bare_number_stands_within_five_tokens_of_its_word(between, expected):
    assert covered("3 pockets", "3 " + "very " * between + "pockets") is expected
    assert covered("3 pockets", "pockets " + "very " * between + "3") is expected


@pytest.mark.parametrize(("between", "expected"), [(18, True), (19, False)])
def test_the_words_of_a_feature_stand_within_twenty_tokens(between, expected):
    text = "padded " + "very " * between + "straps"
    assert covered("padded straps", text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 1.7 litre kettle with a whistling spout and a cool handle, in 2 sizes", 0.75),
        ("A kettle that whistles from its spout", 0.25),
        ("1.7L, whistling spout, cool handle, 3 sizes", 1.0),
        ("A lamp", 0.0),
    ],
)
def test_coverage_is_the_share_of_covered_features(text, expected):
    features = ["1.7L", "whistling spout", "cool handle", "3 sizes"]
    assert coverage(features, text) == expected


NAMES_COLOR = [
    ("tan", "A bag in tan.", True),
    ("tan", "Tan leather", True),
    ("tan", "It is standing.", False),
    ("tan", "A tandem", False),
    ("tan", "A Spartan", False),
    ("navy blue", "In Navy Blue, of course", True),
    ("navy blue", "In blue", False),
    ("navy blue", "Blue as the navy", False),
    ("navy", "In navy blue", True),
    ("sage-green", "A sage-green kettle", True),
    ("black (matt)", "The black (matt) kettle", True),
    ("c.d", "cad", False),
    ("red", "", False),
]
WRONG_NAMES_COLOR = {
    "always": lambda color, text: True,
    "as a substring": lambda color, text: color.lower() in text.lower(),
    "in the row's case only": lambda color, text: bool(re.search(rf"\b{color}\b", text)),
    "any of its words": lambda color, text: bool(set(color.split()) & set(text.lower().split())),
    "all of its words": lambda color, text: set(content_words(color)) <= set(content_words(text)),
    "as a whole text": lambda color, text: color == text,
    "as a pattern": lambda color, text: bool(re.search(rf"\b{color}\b", text, re.IGNORECASE)),
    "with word borders": lambda color, text: bool(
        re.search(rf"\b{re.escape(color)}\b", text, re.IGNORECASE)
    ),
}


@pytest.mark.parametrize(("color", "text", "expected"), NAMES_COLOR)
def test_a_colour_is_named_as_a_whole_phrase_in_any_case(color, text, expected):
    assert names_color(color, text) is expected


@pytest.mark.parametrize("wrong", WRONG_NAMES_COLOR.values(), ids=WRONG_NAMES_COLOR)
def test_a_wrong_colour_match_fails_some_case(wrong):
    assert any(wrong(color, text) is not expected for color, text, expected in NAMES_COLOR)


WRONG_COLORS = [
    ("Kettle, steel, green", "A green kettle.", []),
    ("Kettle, steel, green", "A blue kettle.", ["blue"]),
    ("Kettle, steel, green", "A green kettle with a red lid.", ["red"]),
    ("Kettle, steel, sage green", "Sage, or green, or GREEN.", []),
    ("Kettle, steel, Green", "A Blue kettle, blue as Navy.", ["blue", "blue", "navy"]),
    ("Rose Gold Ring, silver lining, red", "Rose, gold and silver on red.", []),
    ("Lemon Squeezer, steel, white", "Every lemon in white.", []),
    ("Squeezer, steel, white", "Every lemon in white.", ["lemon"]),
    ("Bag, leather, black", "Standing, bored and covered; a tandem.", []),
    ("Bag, strap tanned, black", "A tan strap.", ["tan"]),
    ("Bag, strap, off-white", "White, and off-black.", ["black"]),
    ("Bag, strap, black", "", []),
]
WRONG_WRONG_COLORS = {
    "never any": lambda source, text: [],
    "every colour": lambda source, text: wrong_colors("", text),
    "only when the right one is missing": lambda source, text: (
        wrong_colors(source, text) if len(wrong_colors("", text)) == 1 else []
    ),
    "the last cell licenses": lambda source, text: wrong_colors(source.split(",")[-1], text),
    "each once": lambda source, text: sorted(set(wrong_colors(source, text))),
    "licensed as a substring": lambda source, text: [
        color for color in wrong_colors("", text) if color not in source.lower()
    ],
    "in lower case only": lambda source, text: [
        color for color in wrong_colors(source, text) if color in text
    ],
    "as a substring": lambda source, text: [
        color
        for color in ("red", "tan", "blue", "navy", "lemon", "black")
        if color in text.lower() and color not in source.lower()
    ],
}


@pytest.mark.parametrize(("source", "text", "expected"), WRONG_COLORS)
def test_colour_words_that_the_row_does_not_hold_are_listed(source, text, expected):
    assert wrong_colors(source, text) == expected


@pytest.mark.parametrize("wrong", WRONG_WRONG_COLORS.values(), ids=WRONG_WRONG_COLORS)
def test_a_wrong_list_of_colours_fails_some_case(wrong):
    assert any(wrong(source, text) != expected for source, text, expected in WRONG_COLORS)


INVENTED = [
    ("1.7 L, 3 cups", "It fills three cups from 1.7 litres.", []),
    ("1.7 L, 3 cups", "It fills 4 cups from 17 litres.", ["4", "17"]),
    ("three cups", "It fills 3 cups.", []),
    ("3 cups", "It fills five cups and twenty bowls.", ["5", "20"]),
    ("a set of 12", "A dozen of them.", []),
    ("a set of 12", "Half a dozen of them.", ["6"]),
    ("a set of 6", "Half a dozen of them, kept for half a year.", []),
    ("a set", "A dozen of them.", ["12"]),
    ("1,500 W", "All 1500 watts, or 1,500 W.", []),
    ("1,500 W", "All 1.5 watts, or 500 W.", ["1.5", "500"]),
    ("1,234,567 dots", "All 1234568 dots.", ["1234568"]),
    ("2.0 m", "It is 2 m, or 2.00 m.", []),
    ("2 m", "It is 20 m.", ["20"]),
    ("2 m", "It is 2 kg.", []),  # a unit is for `covered` to judge
    ("2 cups", "The 2nd and the 3rd cup.", ["3"]),
    ("a cup", "The second cup, the third cup.", []),  # words of order are not counted
    ("a cup", "This one is the 1 to have.", []),
    ("a cup", "Everyone often wants someone to tend it.", []),
    ("a cup", "In 2 or 2 rooms.", ["2", "2"]),
    ("a cup", "At the end comes 7.", ["7"]),
    ("a cup", "Version 1.2.3, and 4.", ["1.2", "3", "4"]),
    ("a cup", "On 2, 3.", ["2", "3"]),
    ("a cup", "", []),
]
WRONG_INVENTED = {
    "never any": lambda source, text: [],
    "every number": lambda source, text: invented_numbers("", text),
    "digits only": lambda source, text: [
        n for n in re.findall(r"\d+(?:\.\d+)?", text) if n not in source
    ],
    "as a substring": lambda source, text: [
        n for n in invented_numbers("", text) if n not in source
    ],
    "one counts": lambda source, text: (
        invented_numbers(source, text) + re.findall(r"\bone\b", text)
    ),
    "each once": lambda source, text: sorted(set(invented_numbers(source, text))),
    "whole numbers only": lambda source, text: invented_numbers(
        source.replace(".", " "), text.replace(".", " ")
    ),
    "commas split": lambda source, text: invented_numbers(
        source.replace(",", " "), text.replace(",", " ")
    ),
    "commas as decimal points": lambda source, text: invented_numbers(
        source.replace(",", "."), text.replace(",", ".")
    ),
    "words inside words": lambda source, text: (
        invented_numbers(source, text) + re.findall(r"(?<=\w)(?:one|ten)|ten(?=\w)", text)
    ),
}


@pytest.mark.parametrize(("source", "text", "expected"), INVENTED)
def test_numbers_that_the_row_does_not_hold_are_listed(source, text, expected):
    assert invented_numbers(source, text) == expected


@pytest.mark.parametrize("wrong", WRONG_INVENTED.values(), ids=WRONG_INVENTED)
def test_a_wrong_list_of_numbers_fails_some_case(wrong):
    assert any(wrong(source, text) != expected for source, text, expected in INVENTED)
