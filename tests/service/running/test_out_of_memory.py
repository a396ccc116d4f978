"""The real service in a control group whose memory runs out: the kernel ends what it chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks.serving.memory_group import MemoryGroup, NoGroupError, memory_group

from tests.processes import living_children
from tests.service.middleware.test_gate import wait_for
from tests.service.server.test_harmful_pictures import read
from tests.service.slow_server import eating_png, slow_png, slow_server

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: Room for a supervisor and two workers without models, about 60 MiB each, and for a while of eating.
LIMIT = 384 * 2**20


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    try:
        with memory_group(LIMIT) as made:
            yield made
    except NoGroupError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_picture_for_which_the_kernel_killed_its_worker_is_not_read_twice(
    group: MemoryGroup, workers: str
) -> None:
    with slow_server(group.folder, CRNN_OCR_WORKERS=workers) as server:
        assert read(server, slow_png(0)) == "200"
        assert read(server, eating_png()) == "503 WORKER_LOST"
        assert group.kills == 1, "the worker, and neither the supervisor nor the other worker"
        assert server.process.poll() is None
        assert read(server, eating_png()) == "422 IMAGE_KILLED_WORKER"
        assert read(server, slow_png(0, name="other")) == "200"
        assert server.get("/readyz").status == 200
        wait_for(lambda: len(living_children(server.process.pid)) == int(workers))
        assert group.kills == 1
