"""The table of the tutorial's claims in 08: verdicts, numbers, and links that lead somewhere."""

import re

import pytest

from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, read

VERDICTS = {"confirmed", "refuted", "partly", "not testable here"}
(DEBUGGED,) = (path for path in NOTEBOOKS if path.name.startswith("08"))


def claims():
    cells = [cell.source for cell in read(DEBUGGED).cells if cell.cell_type == "markdown"]
    lines = "\n".join(cell for cell in cells if "| claim | verdict |" in cell).splitlines()
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in rows if row[0] != "claim" and not set(row[0]) <= {"-"}]


CLAIMS = claims()
each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[0])


def test_there_are_about_twenty_and_no_two_the_same():
    assert len(CLAIMS) >= 20
    assert len({claim[0] for claim in CLAIMS}) == len(CLAIMS)


@each_claim
def test_it_has_a_verdict_and_what_it_rests_on(claim):
    _, verdict, number, _ = claim
    assert verdict in VERDICTS
    if verdict != "not testable here":
        assert re.search(r"\d", number)


@each_claim
def test_its_link_leads_to_a_section(claim):
    section, file = re.fullmatch(r"\[(\d+\.\d+)\]\((\S+\.ipynb)\)", claim[3]).groups()
    cells = read(ROOT / "notebooks" / file).cells
    assert any(cell.source.startswith(f"## {section} ") for cell in cells)
    assert int(section.split(".")[0]) == int(file[:2])
