"""The image at work: in the strictest container, with real pictures, in trouble."""

from __future__ import annotations

import difflib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest
from PIL import Image

from crnn_ocr.models.registry import BUNDLED
from tests.deploy.docker import (
    BUILD_LIMIT_S,
    INT8,
    ROOT,
    Container,
    container,
    docker,
    hardened,
    needs_docker,
    run,
)
from tests.service.rendering import encoded, picture, png, tiff
from tests.service.wire import Reply

pytestmark = [needs_docker, pytest.mark.deploy, pytest.mark.timeout(BUILD_LIMIT_S)]

MIB = 1024 * 1024
#: CPU time that a start may take, in seconds: half a core has it done in 3.
START_CPU_S = 1.5


def eventually_reads(service: Container, text: str, *, limit_s: float = 60) -> None:
    """Wait until the service answers again."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            answer = service.read(png(text))
        except (OSError, HTTPException) as error:
            last: object = error
        else:
            if answer.status == 200:
                assert answer.json["text"] == text
                return
            last = answer.body
        assert time.monotonic() < deadline, last
        time.sleep(0.2)


def workers(service: Container) -> list[int]:
    """Find the process ids of the workers, as the container counts them."""
    script = (
        "for status in /proc/[0-9]*/status; do grep -q '^PPid:.1$' $status && echo ${status#/proc/}; done"
    )
    found = service.execute("sh", "-c", f"{script}; true").split()
    pids = [int(entry.split("/")[0]) for entry in found]
    return [pid for pid in pids if "python" in service.execute("cat", f"/proc/{pid}/cmdline")]


# ---- the strictest container ------------------------------------------------------------------------


def test_a_start_takes_little(image: str) -> None:
    with container(image, *hardened(), settings=INT8) as service:
        assert service.cpu_seconds() < START_CPU_S


def test_it_has_no_rights(service: Container) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in service.execute("cat", "/proc/1/status").splitlines()
        if ":\t" in line
    )
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split() == ["10001"] * 4
    refused = run("exec", service.identity, "touch", "/opt/crnn-ocr/x")
    assert "Read-only file system" in refused.errors


def test_it_keeps_to_what_it_has(service: Container) -> None:
    metrics = service.get("/metrics").body.decode()
    told = dict(re.findall(r"^(crnn_ocr_cores|crnn_ocr_memory_limit_bytes) (\S+)$", metrics, re.MULTILINE))
    assert {name: float(value) for name, value in told.items()} == {
        "crnn_ocr_cores": 1.0,
        "crnn_ocr_memory_limit_bytes": 512.0 * MIB,
    }


def test_docker_sees_it_healthy(service: Container) -> None:
    deadline = time.monotonic() + 60
    while service.state["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline, service.state["Health"]
        time.sleep(0.5)


FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "PPM": "image/x-portable-pixmap",
    "PDF": "application/pdf",
}


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_of_all_formats_are_read(service: Container, kind: str) -> None:
    answer = service.read(encoded(picture("Invoice-2026-1187"), kind), FORMATS[kind])
    assert (answer.status, answer.json["text"]) == (200, "Invoice-2026-1187")


@pytest.mark.eval
def test_real_pictures_are_read(service: Container, eval_dir: Path) -> None:
    folders = (eval_dir / "pages_zh", eval_dir / "pages_en")
    truths = [path for folder in folders for path in sorted(folder.glob("*.gt.txt"))[:3]]
    assert len(truths) == 6
    for truth in truths:
        (page,) = (path for path in truth.parent.glob(f"{truth.name[:-7]}.*") if path != truth)
        text = service.read(page.read_bytes(), "application/octet-stream").json["text"]
        said, wanted = ("".join(each.split()) for each in (text, truth.read_text(encoding="utf-8")))
        alike = difflib.SequenceMatcher(None, said, wanted, autojunk=False).ratio()
        assert alike > 0.9, truth.name


def test_the_page_and_the_documents_are_there(service: Container) -> None:
    for path in ("/", "/docs", "/openapi.json", "/healthz"):
        assert service.get(path).status == 200


def test_many_large_pictures_fit_into_its_memory(image: str) -> None:
    """Nothing is killed: what is too much at a time is refused."""
    noise = Image.effect_noise((3000, 2000), 40).convert("RGB")
    noise.paste(picture("Number 1234"), (100, 100))
    bodies = [encoded(noise, "JPEG", quality=80), encoded(noise, "PNG"), tiff([picture("Page")] * 8)]
    with container(image, *hardened()) as service, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.read, [bodies[number % 3] for number in range(24)]))
        assert {answer.status for answer in answers} <= {200, 503}
        assert sum(answer.status == 200 for answer in answers) >= 3
        assert all(
            "Number 1234" in a.json["text"] or "Page" in a.json["text"] for a in answers if a.status == 200
        )
        assert service.state["OOMKilled"] is False
        assert len(re.findall("SIGKILL", service.logs)) == 0
        eventually_reads(service, "After")


def test_settings_for_a_small_machine_make_do_with_less(image: str) -> None:
    """Pictures as a phone takes them, more than there is room for."""
    photo = Image.effect_noise((4000, 3000), 30).convert("RGB")
    photo.paste(picture("Number 1234", size=90, width=1200), (100, 100))
    body = encoded(photo, "JPEG", quality=70)
    flags = [*hardened(memory="448m", cpus="1"), "--env-file", str(ROOT / "deploy" / "edge" / "settings.env")]
    with container(image, *flags) as service, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.read, [body] * 12))
        assert {answer.status for answer in answers} <= {200, 503}
        read = [answer.json["text"] for answer in answers if answer.status == 200]
        assert len(read) >= 2
        assert all("Number 1234" in text for text in read)
        assert {answer.code for answer in answers if answer.status == 503} <= {"OVERLOADED"}
        assert service.state["OOMKilled"] is False
        limits = service.get("/limits").json
        assert limits["max_pixels"] == 13_000_000


# ---- the end ----------------------------------------------------------------------------------------


def slow() -> bytes:
    """Draw a page that takes half a core some seconds."""
    return png(*(f"Line {row} of a long page with many words on it" for row in range(40)), width=1000)


def test_a_stop_lets_requests_finish(image: str) -> None:
    with container(image, *hardened()) as service, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(service.read, slow())
        while "crnn_ocr_queue_requests 1.0" not in service.get("/metrics").body.decode():
            assert not reading.done()
        docker("kill", "--signal", "TERM", service.identity)
        answer: Reply = reading.result(timeout=120)
        assert (answer.status, answer.json["text"].count("Line")) == (200, 40)
        assert service.wait_for_end() == 0


def test_a_stop_at_once_is_obeyed(image: str) -> None:
    """Also before anything has been loaded."""
    with container(image, *hardened(), wait=False) as service:
        docker("stop", "--time", "30", service.identity)
        assert service.state["ExitCode"] in (0, 143)  # 137 where Docker had to kill it


# ---- trouble ----------------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced(image: str) -> None:
    with container(image, *hardened()) as service:
        (worker,) = workers(service)
        service.execute("python", "-c", f"import os; os.kill({worker}, 9)")
        eventually_reads(service, "Again")
        assert workers(service) != [worker]
        assert 'crnn_ocr_worker_exits_total{reason="crashed"} 1.0' in service.get("/metrics").body.decode()


def test_a_worker_that_takes_too_much_memory_is_replaced(image: str) -> None:
    """The kernel kills it; the container lives, and reads what fits."""
    with container(image, *hardened(memory="200m"), settings=INT8) as service:
        (worker,) = workers(service)
        huge = encoded(Image.effect_noise((7000, 7000), 90).convert("RGB"), "JPEG", quality=30)
        answers = [service.read(huge, "image/jpeg") for _ in range(3)]
        assert {(answer.status, answer.code) for answer in answers} == {(503, "WORKER_LOST")}
        eventually_reads(service, "Small", limit_s=120)
        assert service.state["Running"] is True
        assert worker not in workers(service)


def test_the_whole_container_may_be_killed(image: str) -> None:
    """Nothing is left behind that a next start would stumble over."""
    with container(image, *hardened()) as service:
        docker("kill", service.identity)
        assert service.wait_for_end() == 137
        docker("start", service.identity)
        service.wait_until_ready()
        eventually_reads(service, "Again")


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--tmpfs", "/tmp:size=4k"),
        ("--shm-size", "1m"),
        ("--ipc", "none"),
    ],
    ids=["no /tmp", "no room in /tmp", "little room in /dev/shm", "no /dev/shm"],
)
def test_full_disks_are_survived(image: str, flags: tuple[str, ...]) -> None:
    base = hardened()
    if not flags or flags[0] == "--tmpfs":
        where = base.index("--tmpfs")
        del base[where : where + 2]
    with container(image, *base, *flags) as service:
        eventually_reads(service, "Full")


def test_a_disk_that_fills_up_later_is_survived(image: str) -> None:
    with container(image, *hardened()) as service:
        for folder in ("/tmp", "/dev/shm"):
            filled = run("exec", service.identity, "dd", "if=/dev/zero", f"of={folder}/full", "bs=1M")
            assert "No space left" in filled.errors
        eventually_reads(service, "Full")
        assert service.get("/metrics").status == 200
        assert service.get("/readyz").status == 200


# ---- starts that must fail --------------------------------------------------------------------------


def refused(image: str, *flags: str, **settings: str) -> tuple[int, str]:
    """Run a container that does not start; return its exit status and message."""
    with container(image, *hardened(), *flags, wait=False, settings=settings) as service:
        return service.wait_for_end(), service.logs


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"CRNN_OCR_PORT": "http"}, "CRNN_OCR_PORT: Input should be a valid integer"),
        ({"CRNN_OCR_MAX_PIXELS": "0"}, "CRNN_OCR_MAX_PIXELS: "),
        ({"CRNN_OCR_API_KEYS": "only-a-name"}, "CRNN_OCR_API_KEYS"),
        ({"CRNN_OCR_REDIS_URL": "http://redis"}, "CRNN_OCR_REDIS_URL"),
        ({"CRNN_OCR_ALLOW_ANONYMOUS": "false"}, "there are no API keys"),
        ({"CRNN_OCR_MODEL": "invoices"}, "there is no model 'invoices'"),
        ({"CRNN_OCR_REPLACEMENTS": "/models/none.tsv"}, "/models/none.tsv"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_settings_end_the_start(image: str, settings: dict[str, str], message: str) -> None:
    status, logs = refused(image, **settings)
    assert message in logs
    assert status in (1, 2)
    assert "Traceback" not in logs


def own_pack(folder: Path, **graph: str) -> None:
    """Write a pack `mine` whose weights are those of the one that is bundled."""
    manifest = json.loads((BUNDLED / "ppocrv6-small" / "manifest.json").read_text(encoding="utf-8"))
    manifest["name"] = "mine"
    manifest["graph"].update(graph)
    (folder / "mine").mkdir()
    (folder / "mine" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for path in (folder, folder / "mine"):
        path.chmod(0o755)


def test_a_pack_of_a_volume_is_used(image: str, tmp_path: Path) -> None:
    own_pack(tmp_path)
    volume = ("--volume", f"{tmp_path}:/models:ro")
    with container(image, *hardened(), *volume, settings={"CRNN_OCR_MODEL": "mine"}) as service:
        answer = service.read(png("Number 8"))
        assert (answer.json["model"], answer.json["text"]) == ("mine/1", "Number 8")


def test_a_missing_volume_ends_the_start(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    status, logs = refused(image, "--volume", f"{tmp_path}:/models:ro", CRNN_OCR_MODEL="mine")
    assert (status, "there is no model 'mine'" in logs) == (2, True)


@pytest.mark.parametrize("fault", ["damaged", "no manifest", "unreadable", "closed"])
def test_a_broken_volume_ends_the_start(image: str, tmp_path: Path, fault: str) -> None:
    own_pack(tmp_path, **({"sha256": "0" * 64} if fault == "damaged" else {}))
    manifest = tmp_path / "mine" / "manifest.json"
    if fault == "no manifest":
        manifest.write_text('{"name": "mine"', encoding="utf-8")
    if fault == "unreadable":
        manifest.chmod(0)
    if fault == "closed":
        tmp_path.chmod(0o700)
    status, logs = refused(image, "--volume", f"{tmp_path}:/models:ro", CRNN_OCR_MODEL="mine")
    assert status == 1
    assert "MODEL_BROKEN" in logs
    assert "Traceback" not in logs


def test_a_taken_port_ends_the_start(image: str) -> None:
    with container(image) as service:
        network = ("--network", f"container:{service.identity}")
        done = run("run", "--rm", *network, "--env", "CRNN_OCR_ALLOW_ANONYMOUS=true", image)
        assert (done.status, "LISTEN_FAILED" in done.errors) == (1, True)
