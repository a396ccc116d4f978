"""The store with models of its own making: who loads, who waits, who goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, ModelsBusyError
from crnn_ocr.models.catalogue import PackSnapshot
from crnn_ocr.models.idle_unloader import IdleUnloader
from crnn_ocr.models.load_failures import RETRY_AFTER_S
from crnn_ocr.models.manifest import Manifest, PackFile
from crnn_ocr.models.registry import Pack
from crnn_ocr.models.store import ModelStore

HASH = "0" * 64


def snapshot(name: str, stamp: int = 0) -> PackSnapshot:
    manifest = Manifest(
        name=name,
        version=str(stamp),
        kind="rec",
        title="",
        licence="",
        provenance="",
        graph=PackFile(path="net.onnx", sha256=HASH),
    )
    return PackSnapshot(Pack(Path(name), manifest), ((stamp, 0, 0, 0),))


class Model:
    def __init__(self, snapshot: PackSnapshot) -> None:
        self.name = snapshot.pack.manifest.id
        self.open = True

    def close(self) -> None:
        assert self.open
        self.open = False


class Gate:
    """Holds a load up until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, name: str) -> None:
        self.begun.set()
        assert self.go_on.wait(10)


class World:
    """What is on disk, and what has been loaded."""

    def __init__(self, *names: str) -> None:
        self.disk = {name: snapshot(name) for name in names}
        self.broken: dict[str, Exception] = {}
        self.loads: list[str] = []
        self.models: list[Model] = []
        self.now = 0.0
        self.freed = 0
        self.gate: Callable[[str], object] = lambda name: None

    def find(self, name: str) -> PackSnapshot:
        if name not in self.disk:
            raise ModelNotFoundError(f"there is no model {name!r}")
        return self.disk[name]

    def load(self, snapshot: PackSnapshot) -> Model:
        self.loads.append(snapshot.pack.manifest.id)
        self.gate(snapshot.name)
        if snapshot.pack.manifest.id in self.broken:
            raise self.broken[snapshot.pack.manifest.id]
        self.models.append(Model(snapshot))
        return self.models[-1]

    def change(self, name: str, stamp: int) -> None:
        self.disk[name] = snapshot(name, stamp)

    def count(self) -> None:
        self.freed += 1

    def store(self, active: str = "a", places: int = 1) -> ModelStore[Model]:
        return ModelStore(
            active,
            find=self.find,
            load=self.load,
            places=places,
            freed=self.count,
            clock=lambda: self.now,
        )

    @property
    def open(self) -> list[str]:
        return sorted(model.name for model in self.models if model.open)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_model_is_loaded_once_by_whoever_comes_first() -> None:
    world = World("a")
    gate = Gate()
    world.gate = gate
    store = world.store()

    def use(_: int) -> str:
        with store.lease() as model:
            assert model.open
            return model.name

    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(use, range(16))
        assert gate.begun.wait(10)
        gate.go_on.set()
        assert set(answers) == {"a/0"}
    assert world.loads == ["a/0"]


def test_a_failed_load_is_not_retried_until_the_files_change() -> None:
    world = World("a", "b")
    world.broken["b/0"] = ModelBrokenError("net.onnx is damaged", hint="Mend it.")
    store = world.store()
    errors = []
    for _ in range(5):
        with pytest.raises(ModelBrokenError, match="damaged") as caught, store.lease("b"):
            pass
        errors.append(caught.value)
    assert world.loads == ["b/0"]
    assert len(set(map(id, errors))) == 5  # none carries the others' tracebacks
    assert {error.hint for error in errors} == {"Mend it."}
    assert store.problem("b") == "net.onnx is damaged Mend it."

    world.change("b", 1)
    with store.lease("b") as model:
        assert model.name == "b/1"
    assert store.problem("b") is None


def test_a_failed_load_is_tried_again_after_a_while() -> None:
    world = World("a")
    world.broken["a/0"] = MemoryError()
    store = world.store()
    with pytest.raises(MemoryError), store.lease():
        pass
    with pytest.raises(ModelBrokenError, match="MemoryError"), store.lease():
        pass
    world.broken.clear()
    world.now = RETRY_AFTER_S
    with store.lease() as model:
        assert model.name == "a/0"
    assert world.loads == ["a/0", "a/0"]


def test_those_who_wait_for_a_load_that_fails_do_not_load_again() -> None:
    world = World("a")
    world.broken["a/0"] = ModelBrokenError("damaged")
    gate = Gate()
    world.gate = gate
    store = world.store()

    def use(_: int) -> str:
        try:
            with store.lease():
                return "read"
        except ModelBrokenError as error:
            return error.message

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(use, range(8))
        assert gate.begun.wait(10)
        gate.go_on.set()
        assert list(answers) == ["damaged"] * 8
    assert world.loads == ["a/0"]


def test_the_least_recently_used_is_evicted_never_the_active() -> None:
    world = World("a", "b", "c", "d")
    store = world.store(places=2)
    for now, name in enumerate((None, "b", "c", "b", "d", None)):
        world.now = now
        with store.lease(name):
            pass
    assert world.loads == ["a/0", "b/0", "c/0", "d/0"]
    assert world.open == ["a/0", "b/0", "d/0"]
    assert [found.name for found in store.loaded] == ["a", "b", "d"]


def test_pinned_models_take_no_place() -> None:
    world = World("a", "b", "c")
    store = world.store(places=1)
    for name, pinned in (("b", True), ("c", False), ("b", True)):
        with store.lease(name, pinned=pinned):
            pass
    assert world.open == ["b/0", "c/0"]
    assert world.loads == ["b/0", "c/0"]


def test_who_finds_no_place_waits_and_is_not_overtaken_for_ever() -> None:
    world = World("a", "b", "c")
    store = world.store(places=1)
    with ThreadPoolExecutor(1) as threads:
        with store.lease("b"):
            waiting: Future[str] = threads.submit(use, store, "c")
            eventually(lambda: store.snapshot("b") is None)  # lent no more: its next users queue up behind
            assert not waiting.done()
            assert world.open == ["b/0"]
        assert waiting.result(10) == "c/0"
    assert world.open == ["c/0"]


def use(store: ModelStore[Model], name: str | None) -> str:
    with store.lease(name) as model:
        assert model.open
        return model.name


def test_patience_ends() -> None:
    world = World("a", "b", "c")
    store = world.store(places=1)
    with store.lease("b"), pytest.raises(ModelsBusyError, match="'c'"), store.lease("c", patience=0):
        pass
    assert use(store, "c") == "c/0"


def test_a_switch_is_atomic_and_retires_the_old_model() -> None:
    world = World("a", "b")
    store = world.store()
    with store.lease() as old, store.lease():
        with store.lease("b", pinned=True):
            store.activate("b")
        assert use(store, None) == "b/0"
        assert old.open
        assert store.active == "b"
    assert world.open == ["b/0"]
    assert world.freed == 1
    assert world.loads == ["a/0", "b/0"]


def test_many_switches_under_load_mix_nothing_up() -> None:
    world = World("a", "b")
    world.gate = lambda name: time.sleep(0.001)
    store = world.store()
    done = threading.Event()

    def read() -> int:
        count = 0
        while not done.is_set():
            with store.lease() as model:
                assert model.open
                time.sleep(0.0005)
                assert model.open
            count += 1
        return count

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read) for _ in range(8)]
        for turn in range(40):
            name = "ba"[turn % 2]
            with store.lease(name, pinned=True):
                store.activate(name)
        done.set()
        assert all(reader.result(10) > 0 for reader in readers)
    assert world.open == ["a/0"]
    # Each switch loads the new one at most once more: nobody brings a replaced one back.
    assert len(world.loads) <= 41


def test_changed_files_are_loaded_beside_the_old_ones() -> None:
    world = World("a")
    store = world.store()
    gate = Gate()
    with store.lease(), ThreadPoolExecutor(1) as threads:
        world.gate = gate
        world.change("a", 1)
        renewing = threads.submit(use, store, None)
        assert gate.begun.wait(10)
        assert use(store, None) == "a/0"  # others do not wait
        gate.go_on.set()
        assert renewing.result(10) == "a/1"
        assert world.open == ["a/0", "a/1"]
    assert world.open == ["a/1"]


def test_broken_new_files_are_neither_used_nor_tried_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World("a")
    store = world.store()
    assert use(store, None) == "a/0"
    world.change("a", 1)
    world.broken["a/1"] = ModelBrokenError("half copied")
    assert [use(store, None) for _ in range(3)] == ["a/0"] * 3
    assert world.loads == ["a/0", "a/1"]
    world.change("a", 2)
    assert use(store, None) == "a/2"


def test_a_pack_that_is_gone_is_gone_except_for_the_active_one() -> None:
    world = World("a", "b")
    store = world.store()
    assert (use(store, None), use(store, "b")) == ("a/0", "b/0")
    world.disk.clear()
    with pytest.raises(ModelNotFoundError), store.lease("b"):
        pass
    assert world.open == ["a/0"]
    assert use(store, None) == "a/0"
    store.unload("a")
    with pytest.raises(ModelBrokenError, match="active model"), store.lease():
        pass  # 503, not 404: the client named nothing


def test_idle_models_are_unloaded_and_loaded_again() -> None:
    world = World("a", "b")
    store = world.store()
    with store.lease() as used:
        world.now = 50.0
        assert use(store, "b") == "b/0"
        world.now = 100.0
        store.unload_idle(60.0)
        assert world.open == ["a/0", "b/0"]
        world.now = 110.0
        store.unload_idle(60.0)
        assert world.open == ["a/0"]
        assert used.open
    world.now = 169.0
    store.unload_idle(60.0)
    assert world.open == ["a/0"]
    world.now = 170.0
    store.unload_idle(60.0)
    assert world.open == []
    assert use(store, None) == "a/0"


def test_the_idle_thread_does_not_keep_the_store_alive() -> None:
    world = World("a")
    store = ModelStore("a", find=world.find, load=world.load)
    unloader = IdleUnloader([store], 0.02)
    assert use(store, None) == "a/0"
    eventually(lambda: world.open == [])
    before = {thread.ident for thread in threading.enumerate() if thread.name == "crnn-ocr-idle"}
    assert before
    del store
    eventually(lambda: not any(t.ident in before for t in threading.enumerate() if t.name == "crnn-ocr-idle"))
    unloader.stop()


def test_a_closed_store_lends_nothing_but_lets_readers_finish() -> None:
    world = World("a")
    store = world.store()
    with store.lease() as model:
        store.close()
        assert model.open
        with pytest.raises(RuntimeError, match="closed"), store.lease():
            pass
    assert not model.open


def test_closing_while_a_model_loads_leaves_nothing_open() -> None:
    world = World("a")
    gate = Gate()
    world.gate = gate
    store = world.store()
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(use, store, None)
        assert gate.begun.wait(10)
        store.close()
        gate.go_on.set()
        assert reading.result(10) == "a/0"
    assert world.open == []


def test_models_load_one_at_a_time() -> None:
    world = World("a", "b", "c")
    running: list[str] = []

    def alone(name: str) -> None:
        running.append(name)
        assert running == [name]
        time.sleep(0.005)
        running.remove(name)

    world.gate = alone
    store = world.store(places=2)
    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(lambda name: use(store, name), "abc")) == ["a/0", "b/0", "c/0"]


# ---- what would be lent --------------------------------------------------------------------------------


def test_what_would_be_lent_is_what_is_lent() -> None:
    world = World("a", "b")
    store = world.store()

    def told(name: str | None = None) -> str:
        return store.snapshot_to_use(name).pack.manifest.id

    assert (told(), told("b")) == ("a/0", "b/0")
    assert world.loads == []
    with store.lease() as model:
        assert model.name == told() == "a/0"
    world.change("a", 1)
    assert told() == "a/1"  # the next lease loads it
    with store.lease() as model:
        assert model.name == "a/1"
    del world.disk["a"]
    assert told() == "a/1"  # the active one stays in memory
    with pytest.raises(ModelNotFoundError):
        told("nothing")


def test_files_that_failed_to_load_would_not_be_leased() -> None:
    world = World("a")
    store = world.store()
    with store.lease():
        pass
    world.change("a", 1)
    world.broken["a/1"] = ModelBrokenError("net.onnx is damaged")
    with store.lease() as model:
        assert model.name == "a/0"
    assert store.snapshot_to_use().pack.manifest.id == "a/0"
    world.now = RETRY_AFTER_S
    assert store.snapshot_to_use().pack.manifest.id == "a/1"  # they are tried again


def test_old_files_are_leased_while_new_ones_are_loaded() -> None:
    world = World("a")
    store = world.store()
    with store.lease():
        pass
    world.change("a", 1)
    gate = Gate()
    world.gate = gate

    def use() -> str:
        with store.lease() as model:
            return model.name

    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(use)
        assert gate.begun.wait(10)
        assert use() == store.snapshot_to_use().pack.manifest.id == "a/0"
        gate.go_on.set()
        assert renewing.result(10) == "a/1"
