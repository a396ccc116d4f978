from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from crnn_ocr.service.server.graceful_close import PATIENCE_S, ClosingConnections


class Setting:
    """A main loop without a worker, and a clock that stands."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = 0.0
        self.closed = 0
        self._stack = stack
        self.poller = stack.enter_context(selectors.DefaultSelector())
        self.lingering = ClosingConnections(
            lambda: self.poller, most=3, on_closed=self.note, clock=lambda: self.now
        )

    def note(self) -> None:
        self.closed += 1

    def leaving(self) -> tuple[socket.socket, socket.socket]:
        """A connection that is being closed, and its client."""
        ours, client = (self._stack.enter_context(end) for end in socket.socketpair())
        self.lingering.add(ours)
        return ours, client

    def turn(self) -> None:
        for key, _ in self.poller.select(0):
            key.data(key.fileobj)


@pytest.fixture
def setting() -> Iterator[Setting]:
    with ExitStack() as stack:
        yield Setting(stack)


def is_open(connection: socket.socket) -> bool:
    return connection.fileno() >= 0


def test_the_client_hears_the_end_and_its_rest_is_thrown_away(setting: Setting) -> None:
    ours, client = setting.leaving()
    assert client.recv(10) == b""
    client.sendall(bytes(1000))
    setting.turn()
    assert is_open(ours)
    client.close()
    setting.turn()
    assert not is_open(ours)
    assert (setting.closed, len(setting.lingering)) == (1, 0)


def test_a_client_that_never_closes_has_its_time(setting: Setting) -> None:
    ours, _ = setting.leaving()
    setting.now = PATIENCE_S - 0.1
    setting.lingering.sweep()
    assert is_open(ours)
    setting.now = PATIENCE_S
    setting.lingering.sweep()
    assert not is_open(ours)
    assert setting.closed == 1


def test_where_there_are_too_many_the_oldest_make_room(setting: Setting) -> None:
    pairs = [setting.leaving() for _ in range(5)]
    assert [is_open(ours) for ours, _ in pairs] == [False, False, True, True, True]
    assert (setting.closed, len(setting.lingering)) == (2, 3)


def test_each_is_counted_once_however_it_ends(setting: Setting) -> None:
    ours, _ = setting.leaving()
    ours.close()
    setting.lingering.add(ours)  # closed already
    assert setting.closed == 1
    setting.lingering.close_all()
    assert (setting.closed, len(setting.lingering)) == (2, 0)
