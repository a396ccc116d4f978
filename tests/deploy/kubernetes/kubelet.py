"""A kubelet in miniature: `podman play kube` runs the pod of a rendering, and here is what podman leaves out.

Podman 4.3 runs the manifest itself: image, variables, user, capabilities, limits, read-only root. It bounds
no volume, writes the files of Secrets encoded, and knows neither probes over HTTP without curl nor hooks:
that is done here. Every pod has a network namespace of its own, so that nothing of this
machine's network is changed.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from tests.deploy.kubernetes.inventory import Inventory, Workload, quantity
from tests.deploy.kubernetes.tools import VERSION, Manifest
from tests.service.wire import Reply, reply

LAB = Path(__file__).resolve().parents[1] / "lab"
IMAGE = f"localhost/crnn-ocr:{VERSION}"
#: On a busy machine; nothing is said about speed by it.
PATIENCE_S = 120.0
MOUNTPOINT = "{{.Mountpoint}}"

_CONTAINERS = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
_STORAGE = """[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class Node:
    """Podman, with storage and settings of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        done = subprocess.run([LAB / "podman"], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(done.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("containers.conf", _CONTAINERS), ("storage.conf", _STORAGE)):
            (folder / name).write_text(text.format(folder=folder), encoding="utf-8")
        self.folder = folder
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def podman(
        self, *arguments: str, inside: str | None = None, check: bool = True, given: Path | None = None
    ) -> str:
        """Run podman, in a network namespace and with an input if they are named; what it printed."""
        entry = ["nsenter", f"--net=/run/netns/{inside}"] if inside else []
        with (given or Path(os.devnull)).open("rb") as stream:
            done = subprocess.run(
                [*entry, "podman", *arguments],
                stdin=stream,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
                env=self._environment,
            )
        assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.stderr}"
        return done.stdout + done.stderr if arguments[0] == "logs" else done.stdout

    def load(self, image: str) -> None:
        """Take an image over from the Docker Engine, unless it is here already."""
        wanted = _run("docker", "image", "inspect", "--format", "{{.Id}}", image).strip()
        here = self.podman("image", "inspect", "--format", "{{.Id}}", IMAGE, check=False).strip()
        if here == wanted.removeprefix("sha256:"):
            return
        archive = self.folder / "image.tar"
        _run("docker", "save", "--output", str(archive), image)
        try:
            self.podman("load", "--quiet", "--input", str(archive))
        finally:
            archive.unlink()
        self.podman("tag", wanted.removeprefix("sha256:"), IMAGE)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


class Pod:
    """A pod that runs, with one container."""

    def __init__(
        self, node: Node, name: str, number: int, inventory: Inventory, content: Mapping[str, Path]
    ) -> None:
        (self.workload,) = inventory.workloads
        self._node = node
        self._inventory = inventory
        self._name = name
        self._namespace = f"crnn-ocr-{name}"
        self._container = f"{name}-pod-0-{self.workload.container['name']}"
        self._link = f"crnn{number}"
        self._here, self.host = (f"10.89.70.{4 * number + end}" for end in (1, 2))
        self._content = content

    # ---- life ------------------------------------------------------------------------------------

    def start(self, *, restart: bool = True) -> None:
        """Make the network and the volumes, then let podman play the manifest."""
        self.remove()  # what an interrupted run has left
        inside = self._namespace
        _run("ip", "netns", "add", inside)
        _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", inside)
        _run("ip", "address", "add", f"{self._here}/30", "dev", self._link)
        _run("ip", "link", "set", self._link, "up")
        _run("ip", "-n", inside, "address", "add", f"{self.host}/30", "dev", "eth0")
        for device in ("eth0", "lo"):
            _run("ip", "-n", inside, "link", "set", device, "up")
        file = self._node.folder / f"{self._name}.yaml"
        file.write_text(yaml.safe_dump_all(self._manifests(restart=restart)), encoding="utf-8")
        self._make_volumes()
        self._node.podman("play", "kube", str(file), inside=inside)
        if not restart:
            self._container = f"{self._name}-{self.workload.container['name']}"

    def remove(self) -> None:
        """Take everything away, however far it came."""
        for pod in (self._name, f"{self._name}-pod-0"):
            self._remove_pod(pod)
        for name in self.workload.volumes:
            found = self._node.podman(
                "volume", "inspect", "--format", MOUNTPOINT, self._volume(name), check=False
            )
            if found:
                subprocess.run(["umount", found.strip()], check=False, capture_output=True)
                self._node.podman("volume", "rm", "--force", self._volume(name), check=False)
        subprocess.run(["ip", "netns", "delete", self._namespace], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", self._link], check=False, capture_output=True)

    def _remove_pod(self, name: str) -> None:
        # One whose container is just being started again is not removed at the first try.
        for _ in range(20):
            if name not in self._node.podman("pod", "ps", "--format", "{{.Name}}").split():
                return
            inside = self._namespace if Path("/run/netns", self._namespace).exists() else None
            self._node.podman("pod", "rm", "--force", "--time", "0", name, inside=inside, check=False)
            time.sleep(0.2)
        raise AssertionError(f"podman does not remove the pod {name}")

    def _manifests(self, *, restart: bool) -> list[Manifest]:
        deployment = copy.deepcopy(self.workload.manifest)
        deployment["metadata"]["name"] = self._name
        deployment["spec"]["replicas"] = 1
        template = deployment["spec"]["template"]
        for volume in template["spec"]["volumes"]:
            name = volume["name"]
            volume.clear()
            volume.update(name=name, persistentVolumeClaim={"claimName": self._volume(name)})
        if not restart:
            pod = {**template["spec"], "restartPolicy": "Never"}
            metadata = {**template["metadata"], "name": self._name}
            deployment = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}
        maps = [
            m for m in self._inventory.of("ConfigMap") if m["metadata"]["name"] in _sources(self.workload)
        ]
        return [*maps, deployment]

    # ---- volumes ---------------------------------------------------------------------------------

    def _volume(self, name: str) -> str:
        return f"{self._name}-{name}"

    def _make_volumes(self) -> None:
        names = list(self.workload.volumes)
        for name in names:
            self._node.podman("volume", "create", self._volume(name))
        # At its first use podman gives a volume the owner of the folder below it: be done with that.
        mounts = [part for name in names for part in ("--volume", f"{self._volume(name)}:/x/{name}")]
        self._node.podman(
            "run", "--rm", "--network", "none", "--user", "0:0", *mounts, "--entrypoint", "true", IMAGE
        )
        group = self.workload.pod["securityContext"]["fsGroup"]
        for name, volume in self.workload.volumes.items():
            folder = self.folder_of(name)
            if "emptyDir" in volume:
                self._mount(folder, volume["emptyDir"], group)
            elif "secret" in volume:
                self._write_secret(folder, volume["secret"], group)
            else:
                shutil.copytree(self._content[name], folder, dirs_exist_ok=True)
                for path in (folder, *folder.rglob("*")):
                    os.chown(path, 0, group)
                    path.chmod(0o2775 if path.is_dir() else 0o644)

    def _mount(self, folder: Path, directory: Mapping[str, Any], group: int) -> None:
        # The kubelet bounds the other medium by emptying the node; here it is as small as it may become.
        size = int(quantity(directory["sizeLimit"]))
        options = f"size={size},gid={group},mode=2777,nosuid,nodev"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))

    def _write_secret(self, folder: Path, source: Mapping[str, Any], group: int) -> None:
        secret = self._inventory.find("Secret", source["secretName"])
        assert secret is not None, f"the test gives no Secret {source['secretName']}"
        texts = {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}
        texts |= {key: value.encode() for key, value in secret.get("stringData", {}).items()}
        for key, text in texts.items():
            file = folder / key
            file.write_bytes(text)
            os.chown(file, 0, group)
            file.chmod(source["defaultMode"])

    def folder_of(self, name: str) -> Path:
        """Where a volume lies on this machine."""
        return Path(
            self._node.podman("volume", "inspect", "--format", MOUNTPOINT, self._volume(name)).strip()
        )

    # ---- what a kubelet does ---------------------------------------------------------------------

    def probe(self, kind: str) -> bool:
        """Ask what a probe asks, for as long as it may."""
        wanted = self.workload.container[kind]
        asked = wanted["httpGet"]
        port = self.workload.ports.get(asked["port"], asked["port"])
        connection = HTTPConnection(self.host, port, timeout=wanted.get("timeoutSeconds", 1))
        try:
            with contextlib.closing(connection):
                connection.request("GET", asked["path"])
                return 200 <= connection.getresponse().status < 400
        except (OSError, HTTPException):
            return False

    def wait_until_ready(self, limit_s: float = PATIENCE_S) -> None:
        """Probe until it has started and is ready."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if self.probe("startupProbe") and self.probe("readinessProbe"):
                return
            time.sleep(0.2)
        raise AssertionError(f"the pod did not become ready: {self.logs}")

    def pre_stop(self) -> None:
        """Run the hook, inside the container."""
        self.execute(*self.workload.container["lifecycle"]["preStop"]["exec"]["command"])

    def terminate(self) -> int:
        """Send SIGTERM, and SIGKILL after the grace period; the exit status."""
        period = self.workload.pod["terminationGracePeriodSeconds"]
        self._node.podman("stop", "--time", str(period), self._container)
        return self.exit_status

    # ---- what is looked at -----------------------------------------------------------------------

    @property
    def logs(self) -> str:
        return self._node.podman("logs", self._container, check=False)

    @property
    def exit_status(self) -> int:
        return int(self._node.podman("inspect", "--format", "{{.State.ExitCode}}", self._container))

    def wait_for_end(self) -> int:
        """Wait until the container has ended by itself; its exit status."""
        return int(self._node.podman("wait", self._container))

    def inspect(self) -> dict[str, Any]:
        """What podman knows about the container."""
        (found,) = json.loads(self._node.podman("inspect", self._container))
        assert isinstance(found, dict)
        return found

    def execute(self, *command: str, check: bool = True, given: Path | None = None) -> str:
        """Run a program inside, with a file as its input if one is named; what it printed."""
        flags = [] if given is None else ["--interactive"]
        return self._node.podman("exec", *flags, self._container, *command, check=check, given=given)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own."""
        connection = HTTPConnection(self.host, self.workload.ports["http"], timeout=120)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=dict(headers or {}))
            return reply(connection)


def _sources(workload: Workload) -> set[str]:
    return {source["configMapRef"]["name"] for source in workload.container.get("envFrom", [])}


@contextlib.contextmanager
def running(
    node: Node,
    name: str,
    number: int,
    manifests: list[Manifest],
    *,
    restart: bool = True,
    content: Mapping[str, Path] = MappingProxyType({}),
) -> Iterator[Pod]:
    """A pod of that rendering; it is removed in the end.

    Args:
        node: Where.
        name: Of the pod.
        number: Of its network, from 0 to 60; pods that run at a time have different ones.
        manifests: The rendering, with the Secrets that the operator makes.
        restart: Whether the container is started again when it ends, as in a Deployment.
        content: Folders of which claimed volumes hold a copy, by the names of the volumes.
    """
    pod = Pod(node, name, number, Inventory(manifests), content)
    try:
        pod.start(restart=restart)
        yield pod
    finally:
        pod.remove()
