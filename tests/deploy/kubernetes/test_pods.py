"""The rendered Deployment runs as it was meant, and a roll-out loses nothing."""

from __future__ import annotations

import copy
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.settings import Settings
from tests.deploy.kubernetes.checks.shutdown import pre_stop_seconds
from tests.deploy.kubernetes.kubelet import PATIENCE_S, Node, Pod, running
from tests.deploy.kubernetes.mutants.draft import Draft
from tests.deploy.kubernetes.tools import K8S, Manifest, kustomize, read
from tests.service.packs import shifted_pack
from tests.service.rendering import png

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(
        not os.environ.get("CRNN_OCR_TEST_DEPLOY"),
        reason="needs podman and the image: `make test-deploy` runs it",
    ),
    pytest.mark.timeout(900),
]

TEXT = "Order 4711"
PNG = {"Content-Type": "image/png"}
KEY = new_key("scanner")
SECRET: Manifest = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "crnn-ocr-keys", "namespace": "crnn-ocr"},
    "stringData": {"api-keys": f"# who may\n{KEY.entry}\n"},
}
#: How much later than the pod a balancer hears that it goes, in seconds.
LATE_S = 4.0


@pytest.fixture(scope="session")
def node(image: str) -> Node:
    made = Node(Path(os.environ.get("CRNN_OCR_LAB", "/var/tmp/crnn-ocr-lab")) / "podman")
    made.load(image)
    return made


@pytest.fixture(scope="session")
def base() -> list[Manifest]:
    """The base, with the Secret that the operator makes."""
    return [SECRET, *kustomize(K8S / "base")]


@pytest.fixture(scope="module")
def pod(node: Node, base: list[Manifest]) -> Iterator[Pod]:
    """A pod for tests that leave it as it is."""
    with running(node, "as-rendered", 0, base) as started:
        started.wait_until_ready()
        yield started


def changed(manifests: list[Manifest], change: Callable[[Draft], object]) -> list[Manifest]:
    draft = Draft(copy.deepcopy(manifests))
    change(draft)
    return draft.manifests


def without_keys(draft: Draft) -> None:
    """As the component anonymous makes it."""
    draft.settings["CRNN_OCR_ALLOW_ANONYMOUS"] = "true"
    for items in (draft.container["env"], draft.container["volumeMounts"], draft.pod["volumes"]):
        items[:] = [item for item in items if item["name"] not in ("CRNN_OCR_API_KEYS_FILE", "keys")]


# ---- as rendered ----------------------------------------------------------------------------------------


def test_every_probe_is_answered(pod: Pod) -> None:
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert pod.probe(kind), kind


def test_it_reads_for_those_who_have_a_key(pod: Pod) -> None:
    picture = png(TEXT)
    assert pod.ask("POST", "/ocr", picture, PNG).code == "UNAUTHORIZED"
    answer = pod.ask("POST", "/ocr", picture, {**PNG, "X-API-Key": KEY.key})
    assert (answer.status, answer.json["text"]) == (200, TEXT)


def test_metrics_are_for_keys_and_know_the_limits(pod: Pod) -> None:
    assert pod.ask("GET", "/metrics").status == 401
    text = pod.ask("GET", "/metrics", headers={"Authorization": f"Bearer {KEY.key}"}).body.decode()
    assert "crnn_ocr_memory_limit_bytes 5.36870912e+08" in text
    assert f"crnn_ocr_admission_capacity_seconds {Settings().queue_seconds / 2}" in text  # of half a core
    assert "crnn_ocr_ready_workers 1.0" in text


def test_it_may_do_no_more_than_it_needs(pod: Pod) -> None:
    assert pod.execute("id", "-u").strip() == "10001"
    status = dict(row.split(":\t", 1) for row in pod.execute("cat", "/proc/1/status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    for folder in ("/", "/opt/crnn-ocr", "/etc/crnn-ocr/keys", "/models", "/var"):
        assert pod.execute("sh", "-c", f"touch {folder}/x && echo written", check=False) == "", folder
    for folder in ("/tmp", "/dev/shm"):
        assert pod.execute("sh", "-c", f"touch {folder}/x && rm {folder}/x && echo written") == "written\n"


def test_limits_are_those_of_the_manifest(pod: Pod) -> None:
    limits = pod.inspect()["HostConfig"]
    assert (limits["Memory"], limits["NanoCpus"]) == (512 * 2**20, 500_000_000)


def test_metrics_lie_in_memory_and_have_room(pod: Pod) -> None:
    assert "counter_0.db" in pod.execute("sh", "-c", "ls /dev/shm/crnn-ocr-*/metrics").split()
    row = pod.execute("df", "-k", "/dev/shm").splitlines()[-1].split()
    assert (row[0], row[1]) == ("tmpfs", "16384")
    assert int(row[2]) < 4096


def test_the_keys_are_not_in_the_variables(pod: Pod) -> None:
    assert KEY.entry not in pod.execute("env")
    assert KEY.entry in pod.execute("cat", "/etc/crnn-ocr/keys/api-keys")


def test_telemetry_is_off(pod: Pod) -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in pod.execute("env").split()


# ---- models from a volume ---------------------------------------------------------------------------------


def test_models_come_from_the_volume(node: Node, base: list[Manifest], tmp_path: Path) -> None:
    def mount(draft: Draft) -> None:
        without_keys(draft)
        draft.settings["CRNN_OCR_MODELS_DIR"] = "/models"
        draft.settings["CRNN_OCR_MODEL"] = "shifted"
        volume = {
            "name": "models",
            "persistentVolumeClaim": {"claimName": "crnn-ocr-models", "readOnly": True},
        }
        draft.pod["volumes"].append(volume)
        draft.container["volumeMounts"].append({"name": "models", "mountPath": "/models", "readOnly": True})

    characters = shifted_pack(tmp_path) / "characters.txt"
    whole = characters.read_bytes()
    characters.write_bytes(whole[:-10])
    with running(node, "models", 1, changed(base, mount), content={"models": tmp_path}) as pod:
        # A pack that is not what its manifest says ends the container, again and again.
        deadline = time.monotonic() + PATIENCE_S
        while pod.logs.count("MODEL_BROKEN") < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "characters.txt differs from its manifest" in pod.logs
        assert not pod.probe("readinessProbe")
        # Once it is put right on the volume, the next start finds it.
        (pod.folder_of("models") / "shifted" / "characters.txt").write_bytes(whole)
        pod.wait_until_ready()
        answer = pod.ask("POST", "/ocr", png(TEXT), PNG)
        assert (answer.json["text"], answer.json["model"]) == ("Order 5822", "shifted/1")


def test_the_desk_installs_packs_on_the_volume(node: Node, tmp_path: Path) -> None:
    """The commands of docs/kubernetes.md, with podman's words for `exec`."""
    (desk,) = read((K8S / "model-desk.yaml").read_text(encoding="utf-8"))
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "desk"},
        "spec": {"template": {"metadata": desk["metadata"], "spec": desk["spec"]}},
    }
    empty, packs = tmp_path / "volume", tmp_path / "packs"
    empty.mkdir()
    archive = Path(shutil.make_archive(str(tmp_path / "pack"), "zip", shifted_pack(packs).parent))
    with running(node, "desk", 6, [deployment], restart=False, content={"models": empty}) as pod:
        pod.execute("sh", "-c", "cat > /tmp/pack.zip", given=archive)
        pod.execute("crnn-ocr", "models", "add", "/tmp/pack.zip")
        assert "shifted" in pod.execute("crnn-ocr", "models", "list")
        installed = pod.folder_of("models") / "shifted"
        assert (installed / "manifest.json").is_file()
        # As the pods that serve will see it: through the group of the volume.
        assert installed.stat().st_gid == 10001


# ---- what does not start ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CRNN_OCR_WORKERS", "none", "CRNN_OCR_WORKERS"),
        ("CRNN_OCR_MODEL", "no-such-model", "there is no model 'no-such-model'"),
        ("CRNN_OCR_ALLOW_ANONYMOUS", "false", "there are no API keys"),
        # What Kubernetes would set for a Service of that name without enableServiceLinks: false.
        ("CRNN_OCR_PORT", "tcp://10.0.0.1:80", "CRNN_OCR_PORT"),
    ],
)
def test_a_wrong_setting_ends_the_container_at_once(
    node: Node, base: list[Manifest], name: str, value: str, words: str
) -> None:
    def spoil(draft: Draft) -> None:
        without_keys(draft)
        draft.settings[name] = value

    with running(node, "wrong", 2, changed(base, spoil), restart=False) as pod:
        assert pod.wait_for_end() == 2
        assert words in pod.logs


def test_an_empty_secret_opens_nothing(node: Node, base: list[Manifest]) -> None:
    secret = {**SECRET, "stringData": {"api-keys": "# nobody yet\n"}}
    with running(node, "empty", 3, [secret, *base[1:]], restart=False) as pod:
        assert pod.wait_for_end() == 2
        assert "CRNN_OCR_API_KEYS_FILE holds no key" in pod.logs


# ---- roll-out -----------------------------------------------------------------------------------------


class Service:
    """Sends each request to one of the pods that it knows, on a connection of its own, and never twice."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = list(pods)
        self.statuses: list[int | str] = []
        self._over = threading.Event()

    def load(self) -> None:
        """Send pictures, one after the other, until it is over."""
        while not self._over.is_set():
            pod = random.choice(self.pods)
            try:
                picture = png(f"Order {random.randrange(10000)}")
                self.statuses.append(pod.ask("POST", "/ocr", picture, PNG).status)
            except (OSError, HTTPException) as error:
                self.statuses.append(type(error).__name__)

    def end(self) -> None:
        self._over.set()


def rolled(old: Pod, new: Pod, leave: Callable[[], int]) -> list[int | str]:
    """Statuses of the requests while a new pod takes the place of an old one; balancers hear of it late."""
    service = Service(old)
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(service.load) for _ in range(3)]
        try:
            time.sleep(3)
            service.pods.append(new)
            time.sleep(3)
            going = pool.submit(leave)
            time.sleep(LATE_S)
            service.pods.remove(old)
            assert going.result() == 0
            time.sleep(2)
        finally:
            service.end()
        for client in clients:
            client.result()
    return service.statuses


def test_a_roll_out_loses_no_request(node: Node, base: list[Manifest]) -> None:
    manifests = changed(base, without_keys)
    with running(node, "old", 4, manifests) as old, running(node, "new", 5, manifests) as new:
        for pod in (old, new):
            pod.wait_until_ready()

        def leave() -> int:
            started = time.monotonic()
            old.pre_stop()
            assert time.monotonic() - started >= pre_stop_seconds(old.workload)
            return old.terminate()

        statuses = rolled(old, new, leave)
    assert len(statuses) > 10
    assert set(statuses) == {200}


def test_without_the_hook_requests_would_be_lost(node: Node, base: list[Manifest]) -> None:
    """What the hook is for; and that the test above would notice."""
    manifests = changed(base, without_keys)
    with running(node, "old", 4, manifests) as old, running(node, "new", 5, manifests) as new:
        for pod in (old, new):
            pod.wait_until_ready()
        statuses = rolled(old, new, old.terminate)
    assert set(statuses) - {200}
