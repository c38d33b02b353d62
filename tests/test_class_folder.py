"""helpers/class_folder.py: a class of thirty writes into one folder, and nothing is lost."""

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from helpers import blind_read, class_folder
from helpers.class_folder import ClassFolderError

SCORES = {"after, greedy": {"coverage": 0.9}}
can_fork = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed")


def write(folder: Path, seat: int, lesson: str = "06", coverage: float = 0.9) -> None:
    means = {"after, greedy": {"coverage": coverage}}
    class_folder.write_seat(str(folder), lesson, seat, means, {"after, greedy": 0.7}, False, 300)


def sheet_of(count: int) -> pd.DataFrame:
    items = [f"{number:03}" for number in range(count)]
    return pd.DataFrame({"item": items, "text": "Crème, a mug", "label": "", "reason": ""})


def test_without_a_folder_nothing_is_asked_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    class_folder.check_seat("", 0)
    class_folder.write_seat("", "06", 0, SCORES, {}, True, 300)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_result_arrives_as_it_was_written(tmp_path):
    write(tmp_path, 7)
    (seat,) = class_folder.read_seats(str(tmp_path)).to_dict("records")
    assert (seat["lesson"], seat["seat"], seat["precision"]) == ("06", 7, "float32")
    assert seat["scores"] == {"after, greedy": {"coverage": 0.9, "NLL": 0.7}}
    assert 0 <= seat["minutes"] < 600
    assert seat["train_rows"] == 300


def test_the_minutes_count_from_the_start_of_the_process(tmp_path, monkeypatch):
    begin = class_folder.psutil.Process().create_time()
    monkeypatch.setattr(class_folder.time, "time", lambda: begin + 90)
    write(tmp_path, 7)
    assert class_folder.read_seats(str(tmp_path))["minutes"].item() == 1.5


@pytest.mark.parametrize("seat", [0, -1, 1000, True, 1.0, "7"])
def test_a_number_that_is_no_seat_is_refused_before_and_after_the_run(tmp_path, seat):
    with pytest.raises(ClassFolderError, match="seat number"):
        class_folder.check_seat(str(tmp_path), seat)
    with pytest.raises(ClassFolderError, match="seat number"):
        write(tmp_path, seat)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named_and_not_made(tmp_path):
    share = tmp_path / "share"
    with pytest.raises(ClassFolderError, match="share.*no such folder.*connected"):
        write(share, 7)
    assert not share.exists()


def test_two_learners_with_one_number_lose_nothing(tmp_path, monkeypatch):
    write(tmp_path, 7)
    monkeypatch.setattr(class_folder.platform, "node", lambda: "another machine")
    write(tmp_path, 7)
    write(tmp_path, 7, coverage=0.8)  # a second run on one machine replaces its first
    seats = class_folder.read_seats(str(tmp_path))
    assert list(seats["seat"]) == [7, 7]
    assert sorted(s["after, greedy"]["coverage"] for s in seats["scores"]) == [0.8, 0.9]


@pytest.mark.parametrize("text", ['{"lesson": "06"', "[]", '{"lesson": "06"}', "\x00"])
def test_files_that_can_not_be_used_are_all_named(tmp_path, text):
    write(tmp_path, 1)
    for name in ("06_seat_002_x.json", "06_seat_003_x.json"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ClassFolderError, match="2 of .*seat_002_x.json.*seat_003_x.json"):
        class_folder.read_seats(str(tmp_path))


def test_a_value_of_another_kind_is_named(tmp_path):
    write(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace('"train_rows": 300', '"train_rows": "many"'))
    with pytest.raises(ClassFolderError, match=f"{path.name}.*train_rows is 'many'"):
        class_folder.read_seats(str(tmp_path))


def process(target, *arguments) -> multiprocessing.Process:
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    return child


def write_often(folder: Path, seat: int) -> None:
    for lesson in ("05", "06"):
        for k in range(10):
            write(folder, seat, lesson, coverage=k / 9)


def stop_half_way(folder: Path, seat: int, stop: str) -> None:
    """Write, and die by the system's hand while the file grows, or just before it takes its place.

    The first result of the seat is there already; the second is what dies.
    """
    write(folder, seat, coverage=0.5)
    whole = Path.write_text

    def half(path, text, **options):
        whole(path, text[: len(text) // 2], **options)
        os.kill(os.getpid(), signal.SIGKILL)

    def never(path, target):
        os.kill(os.getpid(), signal.SIGKILL)

    if stop == "while it grows":
        Path.write_text = half
    else:
        Path.replace = never
    write(folder, seat, coverage=0.6)


@can_fork
def test_a_class_of_thirty_with_six_killed_half_way_loses_nothing(tmp_path):
    killed = {3: "while it grows", 9: "before it is in place", 14: "while it grows"}
    killed |= {20: "before it is in place", 25: "while it grows", 30: "before it is in place"}
    children = {
        seat: process(stop_half_way, tmp_path, seat, killed[seat])
        if seat in killed
        else process(write_often, tmp_path, seat)
        for seat in range(1, 31)
    }
    looks = 0
    while any(child.is_alive() for child in children.values()):
        class_folder.read_seats(str(tmp_path))  # the board, meanwhile: never a half file
        looks += 1
        time.sleep(0.01)
    assert looks > 1
    ended = {seat: child.exitcode for seat, child in children.items()}
    assert ended == {seat: -signal.SIGKILL if seat in killed else 0 for seat in range(1, 31)}
    found = class_folder.read_seats(str(tmp_path)).set_index(["lesson", "seat"])["scores"]
    assert sorted(found["05"].index) == sorted(set(range(1, 31)) - set(killed))
    assert list(found["06"].index) == list(range(1, 31))  # the killed ones: their first result
    for (_, seat), scores in found.items():
        assert scores["after, greedy"]["coverage"] == (0.5 if seat in killed else 1.0)
    assert len(list(tmp_path.glob("*.part"))) == len(killed)
    for seat in killed:  # the killed ones do it again
        write_often(tmp_path, seat)
    assert len(class_folder.read_seats(str(tmp_path))) == 60
    assert not list(tmp_path.glob("*.part"))


def test_every_text_is_dealt_to_the_two_seats_of_a_pair():
    dealt = blind_read.deal(sheet_of(262), range(1, 31), most=18)
    assert sorted(dealt) == list(range(1, 31))
    readers = pd.concat(sheet.assign(seat=seat) for seat, sheet in dealt.items()).groupby("item")
    assert set(readers["seat"].nunique()) == {2}
    assert readers.ngroups == 15 * 17  # as many as 15 pairs can share evenly
    again = blind_read.deal(sheet_of(262), range(1, 31), most=18)
    assert all(again[seat].equals(sheet) for seat, sheet in dealt.items())
    other = blind_read.deal(sheet_of(262), range(1, 31), most=18, seed=1)
    assert not all(other[seat].equals(sheet) for seat, sheet in dealt.items())


def test_an_odd_seat_makes_a_group_of_three_and_nobody_reads_more_than_asked():
    dealt = blind_read.deal(sheet_of(100), [2, 3, 5, 7, 11], most=4)
    readers = pd.concat(sheet.assign(seat=seat) for seat, sheet in dealt.items()).groupby("item")
    assert sorted(readers["seat"].nunique()) == [2] * 4 + [3] * 4
    assert {len(sheet) for sheet in dealt.values()} == {4}


@pytest.mark.parametrize(("count", "seats"), [(10, [1]), (10, []), (1, [1, 2, 3, 4])])
def test_a_pair_needs_two_seats_and_a_text(count, seats):
    with pytest.raises(ValueError, match="a pair needs"):
        blind_read.deal(sheet_of(count), seats, most=5)


def test_sheets_are_dealt_once_and_what_is_filled_in_stays(tmp_path):
    dealt = blind_read.deal(sheet_of(4), [1, 2], most=4)
    first, second = class_folder.write_sheets(str(tmp_path), dealt)
    first.write_text(first.read_text(encoding="utf-8").replace(",,", ",ok,"), encoding="utf-8")
    assert class_folder.write_sheets(str(tmp_path), dealt) == []
    labels = class_folder.read_sheets(str(tmp_path))
    assert labels[["seat", "item", "label"]].to_numpy().tolist() == [
        [1, item, "ok"] for item in ("000", "001", "002", "003")
    ]


def test_a_deal_that_was_stopped_half_way_is_made_whole_by_the_next(tmp_path, monkeypatch):
    dealt = blind_read.deal(sheet_of(4), [1, 2], most=4)
    write, left = class_folder.write_text, [1]

    def full_disk(path, text):
        if not left:
            raise OSError("No space left on device")
        left.pop()
        write(path, text)

    monkeypatch.setattr(class_folder, "write_text", full_disk)
    with pytest.raises(OSError, match="No space"):
        class_folder.write_sheets(str(tmp_path), dealt)
    assert not (tmp_path / "blind_read").exists()
    monkeypatch.undo()
    assert len(class_folder.write_sheets(str(tmp_path), dealt)) == 2


@pytest.mark.parametrize(
    ("name", "text"), [("seat_002 (1)", "item,label,reason\n"), ("seat_002", "")]
)
def test_a_second_copy_and_an_empty_sheet_are_named(tmp_path, name, text):
    (tmp_path / "blind_read").mkdir()
    (tmp_path / "blind_read" / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ClassFolderError, match=r"seat_002.*\.csv can't be used .*one file a seat"):
        class_folder.read_sheets(str(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_sheet_is_read_as_spreadsheets_save_it(tmp_path, encoding):
    class_folder.write_sheets(str(tmp_path), blind_read.deal(sheet_of(2), [1, 2], most=2))
    path = tmp_path / "blind_read" / "seat_002.csv"
    text = 'item;text;label;reason\r\n000;"Crème; a mug";Wrong fact ;\r\n001;Crème;;\r\n'
    path.write_bytes(text.encode(encoding))
    labels = class_folder.read_sheets(str(tmp_path))
    assert labels.to_dict("records") == [
        {"seat": 2, "item": "000", "label": "wrong fact", "reason": ""}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [("item,label,reason\n000,good,\n", "the label good"), ("item,reason\n000,\n", "lacks")],
)
def test_a_sheet_that_can_not_be_used_is_named(tmp_path, text, said):
    (tmp_path / "blind_read").mkdir()
    path = tmp_path / "blind_read" / "seat_002.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClassFolderError, match=f"seat_002.csv.*{said}"):
        class_folder.read_sheets(str(tmp_path))


def test_no_sheets_are_no_labels(tmp_path):
    assert list(class_folder.read_sheets(str(tmp_path))) == ["seat", "item", "label", "reason"]


def test_a_file_holds_no_name_of_its_machine_or_its_user(tmp_path):
    write(tmp_path, 7)
    (path,) = tmp_path.iterdir()
    for secret in (class_folder.platform.node(), str(Path.home())):
        assert secret not in path.read_text(encoding="utf-8") + path.name
    assert json.loads(path.read_text(encoding="utf-8"))["machine"] in path.name
