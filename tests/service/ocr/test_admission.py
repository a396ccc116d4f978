from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from PIL import Image

from crnn_ocr.errors import OverloadedError, RequestCancelledError
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.middleware.gate import MOST_READ, Gate
from crnn_ocr.service.ocr.admission import Admission, Experience, estimate_seconds, least_seconds
from crnn_ocr.service.requests.body_budget import STEP, Intake, Slot
from crnn_ocr.settings import Settings
from tests.service.fakes import opened_or_not
from tests.service.rendering import bomb_png, encoded, picture, png, tiff

SECONDS = st.floats(0.001, 50.0)
SIDES = st.integers(1, 20_000)


def admission(
    capacity: float = 10.0, cores: float = 2.0, cpu: Callable[[], float] = lambda: 0.0
) -> Admission:
    return Admission(capacity, cores, cpu_clock=cpu, spread=min)


# ---- estimates ---------------------------------------------------------------------------------------


def test_estimates_are_of_the_measured_size() -> None:
    # The printed 1080p page takes 1.7 CPU seconds, an icon a few hundredths.
    assert 0.5 < estimate_seconds([(1920, 1080)]) < 2.0
    assert 0.01 < estimate_seconds([(64, 64)]) < 0.05


@given(st.lists(st.tuples(SIDES, SIDES), max_size=5), st.tuples(SIDES, SIDES))
def test_a_further_page_costs_more(pages: list[tuple[int, int]], further: tuple[int, int]) -> None:
    assert estimate_seconds([*pages, further]) > estimate_seconds(pages)


@given(SIDES, SIDES)
def test_the_least_for_a_body_is_less_than_for_its_picture(width: int, height: int) -> None:
    whole = width * height * 8  # the largest form of such a picture
    assert least_seconds(whole) <= estimate_seconds([(width, height)]) + 1e-9


# ---- work --------------------------------------------------------------------------------------------


def test_work_past_the_capacity_is_refused_until_some_ends() -> None:
    door = admission()
    with door.admit(6), door.admit(4):
        with pytest.raises(OverloadedError) as caught, door.admit(0.5):
            pass
        assert caught.value.retry_after == 1
        with pytest.raises(OverloadedError):
            door.check_room(0.5)
    door.check_room(10)
    with door.admit(10):
        pass


def test_what_is_larger_than_the_capacity_is_let_in_alone() -> None:
    door = admission()
    with door.admit(100):
        assert door.backlog_s == 100
        with pytest.raises(OverloadedError), door.admit(0.001):
            pass
    with door.admit(1), pytest.raises(OverloadedError), door.admit(100):
        pass


def test_retry_after_is_the_time_until_there_is_room() -> None:
    door = admission(capacity=10, cores=2)
    with door.admit(9):
        assert door.retry_after(1) == 1  # there is room now
        assert door.retry_after(5) == 2  # 4 seconds of work have to go, on two cores
        assert door.retry_after(100) == 5  # everything has to go


def test_those_who_are_refused_do_not_all_come_back_at_once() -> None:
    door = Admission(20, 2)
    with door.admit(19):
        told = {door.retry_after(2) for _ in range(500)}
    assert told == set(range(1, 11))  # from the first room, in half a second, to the end of all work


def test_who_would_wait_for_too_long_is_refused() -> None:
    door = admission(capacity=100, cores=2)
    with door.admit(20):
        with door.admit(1, patience=11):
            pass
        with pytest.raises(OverloadedError), door.admit(1, patience=9):
            pass


def test_room_is_given_back_after_a_failure() -> None:
    door = admission()
    with contextlib.suppress(RuntimeError), door.admit(10):
        raise RuntimeError
    assert (door.backlog_s, door.inside) == (0, 0)


@pytest.mark.parametrize(("capacity", "cores"), [(0, 1), (1, 0), (-1, 1), (float("nan"), 1)])
def test_a_door_that_lets_nobody_in_is_refused(capacity: float, cores: float) -> None:
    with pytest.raises(ValueError, match="lets nobody in"):
        Admission(capacity, cores)


class AdmissionMachine(RuleBasedStateMachine):
    """Any order of arrivals and ends: never more inside than the bound, nothing lost."""

    inside = Bundle("inside")

    def __init__(self) -> None:
        super().__init__()
        self.cpu = 0.0
        self.door = admission(capacity=10, cores=2, cpu=lambda: self.cpu)
        self.count = 0

    @rule(target=inside, seconds=SECONDS)
    def arrive(self, seconds: float) -> contextlib.ExitStack | None:
        held = contextlib.ExitStack()
        before = self.door.backlog_s
        refused: OverloadedError | None = None
        try:
            held.enter_context(self.door.admit(seconds))
        except OverloadedError as error:
            refused = error
        if refused is None:
            self.count += 1
            return held
        assert self.count > 0
        assert refused.retry_after is not None
        assert refused.retry_after >= 1
        assert self.door.backlog_s == before
        return None

    @rule(held=consumes(inside), spent=SECONDS)
    def end(self, held: contextlib.ExitStack | None, spent: float) -> None:
        self.cpu += spent
        if held is not None:
            held.close()
            self.count -= 1

    @invariant()
    def bounded(self) -> None:
        assert self.door.inside == self.count
        assert self.door.backlog_s <= 10 + 1e-9 or self.door.inside == 1
        assert self.count > 0 or self.door.backlog_s == 0


TestAdmissionMachine = AdmissionMachine.TestCase


# ---- experience --------------------------------------------------------------------------------------


def test_estimates_follow_what_work_really_costs() -> None:
    cpu = 0.0
    door = admission(capacity=1000, cpu=lambda: cpu)
    for _ in range(400):
        with door.admit(1):
            cpu += 3
    assert 2.8 < door.factor < 3.1
    with door.admit(1):
        assert 2.8 < door.backlog_s < 3.1


def test_one_odd_picture_changes_little() -> None:
    experience = Experience()
    experience.add(spent=3, estimated=1)
    assert experience.factor < 1.25


def test_idle_time_and_failures_teach_nothing() -> None:
    cpu = 0.0
    door = admission(cpu=lambda: cpu)
    for _ in range(50):
        cpu += 100  # loading a model, for example
        with contextlib.suppress(RuntimeError), door.admit(1):
            cpu += 7
            raise RuntimeError
    assert door.factor == 1


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(1e-6, 1e4)), max_size=50))
def test_the_factor_stays_within_its_bounds(finished: list[tuple[float, float]]) -> None:
    experience = Experience()
    for spent, estimated in finished:
        experience.add(spent=spent, estimated=estimated)
        assert 0.1 <= experience.factor <= 10


# ---- bodies ------------------------------------------------------------------------------------------


def full(intake: Intake, size: int, client: str = "") -> Slot:
    """A body of that many bytes, which have arrived."""
    slot = intake.enter(size, client)
    slot.make_room(size)
    slot.settle(size)
    return slot


def test_slots_are_bounded_in_number_and_bytes() -> None:
    intake = Intake(2, 100, retry_after=lambda: 7)
    first, second = full(intake, 10, "a"), full(intake, 80, "b")
    with pytest.raises(OverloadedError, match="requests") as caught:
        intake.enter(1)
    assert caught.value.retry_after == 7
    first.release()
    with pytest.raises(OverloadedError, match="memory"):
        intake.enter(21)
    second.settle(20)
    third = full(intake, 80, "c")
    assert (intake.held, intake.held_bytes) == (2, 100)
    for slot in (first, second, second, third):
        slot.release()
    second.settle(50)
    assert (intake.held, intake.held_bytes) == (0, 0)


def test_what_is_only_announced_takes_nothing_from_others() -> None:
    intake = Intake(5, 100)
    slow = [intake.enter(70, "slow") for _ in range(3)]
    other = full(intake, 90, "other")
    with pytest.raises(OverloadedError, match="memory"):
        slow[0].make_room(50)
    other.release()
    slow[0].make_room(50)
    assert intake.held_bytes == 70


def test_a_body_larger_than_all_memory_gets_through_alone() -> None:
    intake = Intake(5, 10 * STEP)
    large = intake.enter(30 * STEP, "large")
    large.make_room(9 * STEP)
    small = full(intake, STEP, "small")
    large.make_room(30 * STEP)  # whoever came in between does not cost it its place
    with pytest.raises(OverloadedError, match="memory"):
        intake.enter(1, "later")
    large.release()
    full(intake, 9 * STEP, "later").release()
    with pytest.raises(OverloadedError, match="memory"):
        intake.enter(30 * STEP, "large")  # it is not alone
    small.release()


def test_bytes_are_reserved_in_steps_up_to_what_is_announced() -> None:
    intake = Intake(5, 100 * STEP)
    known, unknown = intake.enter(STEP + 5), intake.enter()
    known.make_room(1)
    assert intake.held_bytes == STEP
    known.make_room(STEP + 1)
    assert intake.held_bytes == STEP + 5
    unknown.make_room(STEP + 1)
    assert intake.held_bytes == STEP + 5 + 2 * STEP
    unknown.settle(STEP + 1)
    assert intake.held_bytes == 2 * STEP + 6


def test_several_bodies_of_one_client_leave_room_for_others() -> None:
    intake = Intake(9, 100)
    bodies = [full(intake, 35, "greedy") for _ in range(2)]
    for refused in (lambda: intake.enter(6, "greedy"), lambda: bodies[0].make_room(41)):
        with pytest.raises(OverloadedError, match="memory"):
            refused()
    full(intake, 5, "greedy")
    full(intake, 25, "other").release()
    for body in bodies:
        body.release()
    full(intake, 95, "other").release()


def test_of_bodies_that_grow_together_those_that_fit_get_through() -> None:
    intake = Intake(9, 100 * STEP)
    growing = [(intake.enter(30 * STEP, "a"), iter(range(1, 31))) for _ in range(8)]
    whole = 0
    while growing:
        for body in list(growing):
            size = next(body[1], None)
            try:
                if size is not None:
                    body[0].make_room(size * STEP)
            except OverloadedError:
                growing.remove(body)  # its slot is released later, with its answer
            else:
                if size is None:
                    growing.remove(body)
                    whole += 1
    assert whole == 2


def test_fetched_pictures_are_their_clients() -> None:
    intake = Intake(9, 100)
    body = full(intake, 10, "greedy")
    pictures = [body.for_picture() for _ in range(3)]
    pictures[0].reserve(90)
    pictures[0].reserve(40)
    with pytest.raises(OverloadedError, match="memory"):
        pictures[1].reserve(36)
    pictures[1].reserve(35)
    with pytest.raises(OverloadedError, match="memory"):
        pictures[2].reserve(1)
    assert (intake.held, intake.held_bytes) == (1, 85)
    for fetched in pictures:
        fetched.release()
    assert intake.held_bytes == 10


def test_a_body_larger_than_all_memory_is_let_in_alone() -> None:
    intake = Intake(2, 100)
    whole = full(intake, 1000)
    with pytest.raises(OverloadedError):
        intake.enter(1)
    whole.release()


@given(st.lists(st.one_of(st.tuples(st.integers(0, 200), st.sampled_from("ab")), st.none()), max_size=60))
def test_never_more_bodies_than_slots(steps: list[tuple[int, str] | None]) -> None:
    intake = Intake(5, 300)
    slots: list[Slot] = []
    for step in steps:
        if step is None:
            if slots:
                slots.pop(0).release()
        else:
            with contextlib.suppress(OverloadedError):
                slots.append(full(intake, *step))
        assert intake.held == len(slots) <= 5
        assert intake.held_bytes <= 300


# ---- pictures ----------------------------------------------------------------------------------------


def test_what_the_engine_refuses_outright_is_not_told_to_retry() -> None:
    settings = Settings(queue_seconds=0.01, threads=1, max_pages=2, max_pixels=10_000_000)
    door = Gate(settings)
    pages = [picture("Page").convert("L")] * 3
    costly = encoded(Image.new("RGB", (2400, 2000)), "JPEG2000")  # 64 MiB are given
    long = tiff(pages), encoded(pages[0], "PDF", save_all=True, append_images=pages[1:])
    with door.admission.admit(1.0):
        for hopeless in (bomb_png(), bomb_png(100_000, 3), b"no picture", png("Cut")[:20], costly, *long):
            with door.admit(opened_or_not(hopeless, None, settings), Ticket()):
                pass  # the engine would tell what is wrong with it
        with pytest.raises(OverloadedError), door.admit(opened_or_not(png("Good")), Ticket()):
            pass


def test_the_engine_is_given_only_some_pictures_at_a_time() -> None:
    door = Gate(Settings(queue_seconds=3600))
    inside, most, lock = 0, 0, threading.Lock()
    whole, may_leave = threading.Event(), threading.Event()

    def read(_: int) -> None:
        nonlocal inside, most
        with door.admit(opened_or_not(png("Good")), Ticket()):
            with lock:
                inside += 1
                most = max(most, inside)
                if inside == MOST_READ:
                    whole.set()
            assert may_leave.wait(30)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(2 * MOST_READ) as pool:
        readings = pool.map(read, range(2 * MOST_READ))
        assert whole.wait(30)
        gone = Ticket()
        gone.cancel()
        with pytest.raises(RequestCancelledError), door.admit(opened_or_not(png("Good")), gone):
            pass
        may_leave.set()
        list(readings)
    assert most == MOST_READ
