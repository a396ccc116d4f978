from __future__ import annotations

import threading

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crnn_ocr.caching.local import LARGEST_SHARE, OVERHEAD, LocalStore

LIMIT = 10 * OVERHEAD
TTL_S = 10.0

keys = st.sampled_from("abcdefgh")


class Store(RuleBasedStateMachine):
    """Every operation, beside a list that knows what was put when and used last."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.store = LocalStore(LIMIT, TTL_S, clock=lambda: self.now)
        self.known: dict[str, tuple[float, bytes]] = {}  # in the order of use

    @rule(key=keys, size=st.integers(0, LIMIT // 2))
    def put(self, key: str, size: int) -> None:
        value = bytes(size)
        kept = self.store.put(key, value)
        assert kept == (size + OVERHEAD <= LIMIT * LARGEST_SHARE)
        self.known.pop(key, None)
        if kept:
            self.known[key] = (self.now, value)
        while sum(len(value) + OVERHEAD for _, value in self.known.values()) > LIMIT:
            del self.known[next(iter(self.known))]

    @rule(key=keys)
    def get(self, key: str) -> None:
        entry = self.known.pop(key, None)
        expected = None
        if entry is not None and self.now < entry[0] + TTL_S:
            self.known[key] = entry
            expected = entry[1]
        assert self.store.get(key) == expected

    @rule(key=keys)
    def drop(self, key: str) -> None:
        self.known.pop(key, None)
        self.store.drop(key)

    @rule(seconds=st.floats(0, 6))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def it_stays_within_its_limit(self) -> None:
        assert self.store.size == sum(len(value) + OVERHEAD for _, value in self.known.values()) <= LIMIT
        assert len(self.store) == len(self.known)


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=60, deadline=None)


def test_a_store_without_room_keeps_nothing() -> None:
    store = LocalStore(0, TTL_S)
    assert not store.put("a", b"")
    assert store.get("a") is None
    assert store.size == 0


def test_many_threads_leave_it_consistent() -> None:
    store = LocalStore(20 * OVERHEAD, TTL_S)

    def work(seed: int) -> None:
        for step in range(2_000):
            key = str((seed * step) % 37)
            store.put(key, key.encode())
            assert store.get(key) in (None, key.encode())
            if step % 5 == 0:
                store.drop(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = [value for key in map(str, range(37)) if (value := store.get(key)) is not None]
    assert store.size == sum(len(value) + OVERHEAD for value in entries) <= 20 * OVERHEAD
