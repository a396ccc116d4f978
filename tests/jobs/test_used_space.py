"""The total size of the files of jobs, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crnn_ocr.errors import JobStorageFullError
from crnn_ocr.jobs.used_space import RECOUNT_S, TRUSTED_S, OwnUsedSpace, SharedUsedSpace, UsedSpace


class World:
    """Files on a disk, and the time."""

    def __init__(self) -> None:
        self.size = 0
        self.now = 1000.0
        self.counts = 0

    def count(self) -> int:
        self.counts += 1
        return self.size


Make = Callable[[World], UsedSpace]


@pytest.fixture(params=["own", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "own":
        return lambda world: OwnUsedSpace(world.count, quota=1000, clock=lambda: world.now)
    path = tmp_path / "used"
    return lambda world: SharedUsedSpace(path, world.count, quota=1000, clock=lambda: world.now)


def test_it_is_counted_once_and_then_now_and_then(make: Make) -> None:
    world = World()
    world.size = 100
    space = make(world)
    space.take(50)
    assert (space.size(), world.counts) == (150, 1)
    world.now += RECOUNT_S / 2
    assert (space.size(), world.counts) == (150, 1)
    world.now += RECOUNT_S
    assert (space.size(), world.counts) == (100, 2)  # what was taken was never written


def test_the_fuller_the_store_the_more_often_it_is_counted(make: Make) -> None:
    world = World()
    world.size = 900
    space = make(world)
    assert space.size() == 900
    world.now += RECOUNT_S * 0.11
    world.size = 950
    assert (space.size(), world.counts) == (950, 2)


def test_before_a_file_is_refused_the_files_are_counted(make: Make) -> None:
    world = World()
    world.size = 1000
    space = make(world)
    with pytest.raises(JobStorageFullError):
        space.take(1)
    world.size = 0
    with pytest.raises(JobStorageFullError):  # not for each file that is refused
        space.take(1)
    world.now += TRUSTED_S + 1
    space.take(1)
    assert (space.size(), world.counts) == (1, 2)


def test_a_clock_that_is_set_back_only_counts_anew(make: Make) -> None:
    world = World()
    space = make(world)
    space.take(10)
    world.now -= 500
    world.size = 20
    assert (space.size(), world.counts) == (20, 2)


def test_it_is_never_negative(make: Make) -> None:
    space = make(World())
    space.take(10)
    space.give(100)
    assert space.size() == 0


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"12", b"1 2 3", bytes(64)])
def test_a_damaged_total_is_counted_anew(tmp_path: Path, damage: bytes) -> None:
    world = World()
    world.size = 7
    (tmp_path / "used").write_bytes(damage)
    space = SharedUsedSpace(tmp_path / "used", world.count, quota=1000, clock=lambda: world.now)
    assert space.size() == 7
    again = SharedUsedSpace(tmp_path / "used", world.count, quota=1000, clock=lambda: world.now)
    assert (again.size(), world.counts) == (7, 1)
