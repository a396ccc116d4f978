from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.cli.inputs import expand
from crnn_ocr.imaging.natural_order import natural_key


def _names(arguments: list[Path | str], *, recursive: bool = False) -> list[str]:
    return [entry.name for entry in expand([str(argument) for argument in arguments], recursive=recursive)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ["2.png", "10.png", "1.JPG", "notes.txt", ".hidden.png", "deep/3.tiff", "deep/.git/4.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_pictures_of_a_folder_in_natural_order(folder: Path) -> None:
    assert _names([folder]) == [str(folder / name) for name in ("1.JPG", "2.png", "10.png")]


def test_subfolders_on_demand(folder: Path) -> None:
    expected = [str(folder / name) for name in ("1.JPG", "2.png", "10.png", "deep/3.tiff")]
    assert _names([folder], recursive=True) == expected


def test_a_file_that_is_named_may_have_any_name(folder: Path) -> None:
    assert _names([folder / "notes.txt", "-", folder / ".hidden.png"]) == [
        str(folder / "notes.txt"),
        "-",
        str(folder / ".hidden.png"),
    ]


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "deep" / "loop").symlink_to(folder, target_is_directory=True)
    assert len(_names([folder], recursive=True)) == 4


def test_a_folder_without_pictures_is_a_problem(tmp_path: Path) -> None:
    (entry,) = expand([str(tmp_path)], recursive=False)
    assert entry.problem is not None
    assert entry.problem.code == "FILE_UNREADABLE"
    assert "--recursive" in entry.problem.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        (entry,) = expand([str(tmp_path)], recursive=True)
    finally:
        tmp_path.chmod(0o700)
    assert entry.problem is not None
    assert entry.problem.message == "Permission denied."


def test_natural_order() -> None:
    names = ["page 2", "page 10", "Page 1", "a", "b2c10", "b2c9", "007", "7", "", "10a", "a/b"]
    expected = ["", "007", "7", "10a", "a", "a/b", "b2c9", "b2c10", "Page 1", "page 2", "page 10"]
    random.Random(1).shuffle(names)
    assert sorted(names, key=natural_key) == expected


@given(st.lists(st.text("ab01２²/. ", max_size=6), unique=True), st.randoms(use_true_random=False))
def test_natural_order_is_total(names: list[str], rng: random.Random) -> None:
    assert sorted(rng.sample(names, len(names)), key=natural_key) == sorted(names, key=natural_key)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_are_compared_as_numbers(one: int, other: int) -> None:
    assert (natural_key(f"scan{one}.png") < natural_key(f"scan{other}.png")) == (one < other)


def test_numbers_of_any_length_are_compared() -> None:
    """Python itself converts no more than 4,300 digits to an integer."""
    names = ["9", "1" + "0" * 5_000, "0" * 5_000 + "10", "9" * 5_000, "x"]
    assert sorted(names, key=natural_key) == [names[0], names[2], names[3], names[1], names[4]]


@given(st.lists(st.text("0123a", max_size=5), max_size=8))
def test_numbers_are_compared_like_integers(names: list[str]) -> None:
    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.findall("([0-9]+)|([^0-9]+)", name)
        return [*((0, int(digits), "") if digits else (1, 0, text) for digits, text in parts), (-1, 0, name)]

    assert sorted(names, key=natural_key) == sorted(names, key=key)
