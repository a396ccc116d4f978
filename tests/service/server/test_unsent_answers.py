from __future__ import annotations

import selectors
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from crnn_ocr.service.server import unsent_answers
from crnn_ocr.service.server.unsent_answers import MIN_RATE, PATIENCE_S, AnswerSocket, UnsentAnswers

#: More than the kernel keeps for both ends of a connection.
LARGE = bytes(range(256)) * 8192


class Setting:
    """A main loop without a worker, and a clock that stands."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = 100.0
        self.finished: list[AnswerSocket] = []
        self._stack = stack
        self.poller = stack.enter_context(selectors.DefaultSelector())
        self.unsent = UnsentAnswers(lambda: self.poller, clock=lambda: self.now)

    def client(self, name: str = "") -> tuple[AnswerSocket, socket.socket]:
        """A connection, and its client, which reads only in `take`."""
        theirs, client = socket.socketpair()
        ours = AnswerSocket(theirs, on_unsent=self.unsent.note, name=name, clock=lambda: self.now)
        self._stack.enter_context(ours)
        self._stack.enter_context(client)
        return ours, client

    def answer(self, data: bytes = LARGE, name: str = "") -> tuple[AnswerSocket, socket.socket]:
        """A connection on which an answer was made that its client does not read."""
        ours, client = self.client(name)
        ours.sendall(data)
        self.unsent.finish(ours, lambda: self.finished.append(ours))
        return ours, client

    def turn(self) -> None:
        for key, _ in self.poller.select(0):
            key.data(key.fileobj)

    def sweep(self, seconds: float) -> None:
        self.now += seconds
        self.unsent.sweep()


@pytest.fixture
def setting() -> Iterator[Setting]:
    with ExitStack() as stack:
        yield Setting(stack)


def take(setting: Setting, client: socket.socket, count: int) -> bytes:
    """What a client reads while the main loop turns."""
    data = b""
    while len(data) < count:
        piece = client.recv(min(65536, count - len(data)))
        assert piece, "the connection has ended"
        data += piece
        setting.turn()
    return data


def test_a_thread_never_waits_and_the_client_gets_everything_in_order(setting: Setting) -> None:
    ours, client = setting.client()
    ours.setblocking(True)
    ours.sendall(b"head")
    for _ in range(3):
        ours.sendall(LARGE)  # returns although nobody reads
    assert ours.send(b"end") == 3
    setting.unsent.finish(ours, lambda: setting.finished.append(ours))
    assert setting.finished == []
    assert take(setting, client, 7 + 3 * len(LARGE)) == b"head" + LARGE * 3 + b"end"
    assert setting.finished == [ours]
    assert (len(setting.unsent), ours.unsent, ours.given_up) == (0, 0, False)
    assert not setting.poller.get_map()


def test_an_answer_that_is_taken_at_once_is_finished_at_once(setting: Setting) -> None:
    ours, client = setting.answer(b"short")
    assert setting.finished == [ours]
    assert client.recv(10) == b"short"


def test_rows_are_sent_on_while_a_thread_makes_more(setting: Setting) -> None:
    ours, client = setting.client()
    ours.sendall(LARGE)
    got = 0
    while got < len(LARGE):
        got += len(client.recv(65536))
        setting.sweep(0.2)
    ours.sendall(b"row")
    assert client.recv(10) == b"row"
    assert len(setting.unsent) == 0


def test_who_takes_nothing_is_given_up(setting: Setting) -> None:
    ours, _ = setting.answer()
    setting.sweep(PATIENCE_S - 1)
    assert setting.finished == []
    setting.sweep(2)
    assert setting.finished == [ours]
    assert ours.given_up
    assert ours.unsent == 0


def test_who_takes_too_little_is_given_up_and_who_takes_enough_is_not(setting: Setting) -> None:
    (slow, slow_client), (good, good_client) = setting.answer(), setting.answer()
    for _ in range(10):
        slow_client.recv(1)
        take(setting, good_client, 16 * MIN_RATE)
        setting.sweep(PATIENCE_S / 2)
    assert slow.given_up
    assert not good.given_up
    assert setting.finished == [slow]


def test_the_time_begins_anew_with_each_answer(setting: Setting) -> None:
    ours, client = setting.answer()
    take(setting, client, len(LARGE))
    setting.sweep(10 * PATIENCE_S)
    ours.sendall(LARGE)
    setting.sweep(1)
    assert not ours.given_up


def test_a_thread_learns_that_its_client_was_given_up(setting: Setting) -> None:
    ours, client = setting.client()
    ours.sendall(LARGE)
    setting.sweep(PATIENCE_S + 1)
    with pytest.raises(BrokenPipeError):
        ours.sendall(b"row")
    ours.close()
    setting.unsent.finish(ours, lambda: setting.finished.append(ours))
    assert setting.finished == [ours]
    while client.recv(65536):
        pass  # it sees the end


def test_a_client_that_is_gone_is_given_up(setting: Setting) -> None:
    ours, client = setting.answer()
    client.close()
    setting.turn()
    assert setting.finished == [ours]
    assert ours.given_up
    other, client = setting.client()
    client.close()
    with pytest.raises(BrokenPipeError):
        other.sendall(LARGE)
    assert other.unsent == 0


def test_where_too_much_is_kept_the_greediest_client_loses_its_largest(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent_answers, "MOST_BYTES", 4 * len(LARGE))
    before = unsent_answers.given_up["crowded"]
    honest, _ = setting.answer(name="honest")  # the oldest
    setting.sweep(1)
    small, _ = setting.answer(name="greedy")
    large, _ = setting.answer(2 * LARGE, name="greedy")
    other, _ = setting.answer(2 * LARGE, name="other")
    setting.sweep(1)
    assert setting.finished == [large]
    assert [answer.given_up for answer in (honest, small, large, other)] == [False, False, True, False]
    assert unsent_answers.given_up["crowded"] == before + 1


def test_two_large_documents_that_are_taken_fast_enough_are_both_sent(setting: Setting) -> None:
    document = LARGE * 10  # 20 MiB
    answers = [setting.answer(document, name=name) for name in ("one", "other")]
    for _ in range(5):
        setting.sweep(PATIENCE_S / 2)
        for _, client in answers:
            take(setting, client, len(LARGE))
    assert [ours.given_up for ours, _ in answers] == [False, False]
    for _, client in answers:
        assert take(setting, client, len(document) - 5 * len(LARGE)) == document[5 * len(LARGE) :]
    assert setting.finished == [ours for ours, _ in answers]
    assert not any(ours.given_up for ours, _ in answers)


def test_what_was_sent_counts_for_as_long_as_it_takes_memory(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent_answers, "MOST_BYTES", 2 * len(LARGE))
    large, client = setting.answer(2 * LARGE, name="large")
    take(setting, client, len(LARGE) // 2)  # less than half, so all of it is still there
    small, _ = setting.answer(LARGE[: len(LARGE) // 2], name="small")
    assert large.unsent + small.unsent < 2 * len(LARGE)
    setting.sweep(1)
    assert (large.given_up, small.given_up) == (True, False)


def test_of_equal_answers_of_one_client_the_oldest_is_given_up(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent_answers, "MOST_BYTES", 2 * len(LARGE))
    answers = []
    for _ in range(4):
        answers.append(setting.answer()[0])
        setting.sweep(1)
    assert setting.finished == answers[:2]
    assert [answer.given_up for answer in answers] == [True, True, False, False]


def test_only_what_is_left_counts_and_takes_memory(setting: Setting) -> None:
    ours, client = setting.client()
    ours.sendall(LARGE)
    assert ours.unsent < len(LARGE)  # the kernel keeps some
    tracemalloc.start()
    while ours.unsent > len(LARGE) // 8:
        client.recv(65536)
        ours.send_on()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0 < ours.unsent <= kept < len(LARGE) // 3  # a copy of the rest, and not the whole answer


def test_who_is_given_up_is_told_in_the_log_but_not_each_time(
    setting: Setting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent_answers, "_LOG_EVERY_S", 10 * PATIENCE_S)
    for count in (1, 2, 3):
        for _ in range(count):
            setting.answer(name=f"client {count}")
        setting.sweep(PATIENCE_S + 1)
    setting.sweep(10 * PATIENCE_S)
    setting.sweep(10 * PATIENCE_S)
    told = [record.fields for record in caplog.records]  # type: ignore[attr-defined]
    assert told == [{"slow": 1, "client": "client 1"}, {"slow": 5, "client": "client 3"}]


def test_a_single_answer_may_be_larger_than_all_that_is_kept(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent_answers, "MOST_BYTES", 1000)
    ours, client = setting.answer()
    setting.sweep(1)
    assert take(setting, client, len(LARGE)) == LARGE
    assert not ours.given_up


def test_a_socket_that_a_thread_closed_is_forgotten(setting: Setting) -> None:
    ours, _ = setting.client()
    ours.sendall(LARGE)
    ours.close()
    setting.sweep(1)
    assert len(setting.unsent) == 0


def test_many_threads_and_the_main_loop_mix_nothing(setting: Setting) -> None:
    ours, client = setting.client()
    rows = [bytes([number]) * 100_000 for number in range(20)]

    def send() -> None:
        for row in rows:
            ours.sendall(row)

    thread = threading.Thread(target=send)
    thread.start()
    got = b""
    while len(got) < 2_000_000:
        got += client.recv(65536)
        setting.sweep(0.2)
    thread.join()
    assert got == b"".join(rows)
