"""Signals that meet a worker while it is being born, and those that nobody handles, with real forks."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from crnn_ocr.service.server.fork_signals import Supervisor
from tests.processes import living_children
from tests.service.slow_server import slow_server
from tests.service.wire import Server, clean_environment

#: Forks worker after worker and tells each to stop so many seconds after the fork: how many of them heard it?
_SCRIPT = """
import os, random, signal, sys, time
from gunicorn.app.base import BaseApplication
from crnn_ocr.service.server.fork_signals import Supervisor
from crnn_ocr.service.server.gunicorn_worker import Worker
{before}
class Application(BaseApplication):
    def load_config(self):
        for name, value in (("worker_class", Worker), ("bind", "127.0.0.1:0"), ("loglevel", "error"),
                            ("control_socket_disable", True)):
            self.cfg.set(name, value)
    def load(self):
        return lambda environ, start_response: []

supervisor = Supervisor(Application())
supervisor.start()
wanted = {{{stops}}}
heard = 0
for number in range(int(sys.argv[1])):
    if {at_once}:
        once = number
        os.register_at_fork(after_in_child=lambda once=once: os.kill(os.getpid(), wanted[once % 3])
                            if once == number else None)
    pid = supervisor.spawn_worker()
    assert pid in supervisor.WORKERS
    if not {at_once}:
        time.sleep(random.random() * 0.01)
        os.kill(pid, wanted[number % 3])
    deadline = time.monotonic() + {patience}
    while not (ended := os.waitpid(pid, os.WNOHANG)[0]) and time.monotonic() < deadline:
        time.sleep(0.002)
    if ended:
        heard += 1
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    del supervisor.WORKERS[pid]
assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
print(heard)
"""


def heard(count: int, *, at_once: bool, patience: float = 20, before: str = "") -> int:
    """How many of so many new workers end when they are told to."""
    stops = "0: signal.SIGTERM, 1: signal.SIGINT, 2: signal.SIGQUIT"
    script = _SCRIPT.format(before=before, stops=stops, at_once=at_once, patience=patience)
    done = subprocess.run(
        [sys.executable, "-c", script, str(count)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_a_signal_right_at_the_fork_is_heard() -> None:
    assert heard(12, at_once=True) == 12


def test_a_signal_soon_after_the_fork_is_heard() -> None:
    assert heard(60, at_once=False) == 60


def test_without_the_cure_it_would_be_lost() -> None:
    """What the two tests above rely on."""
    assert (
        heard(3, at_once=True, patience=1, before="from gunicorn.arbiter import Arbiter as Supervisor") == 0
    )


def test_new_workers_of_the_service_hear_it() -> None:
    with slow_server() as server:
        (pid,) = workers_of(server)
        for _ in range(8):
            os.kill(pid, signal.SIGTERM)
            pid = successor(server, pid)  # its first instructions
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_what_there_is_nothing_to_do_about_is_ignored(number: signal.Signals) -> None:
    with slow_server() as server:
        (pid,) = workers_of(server)
        for process in (server.process.pid, pid):
            assert ignored_by(process) >= {signal.SIGHUP, signal.SIGUSR2}
            os.kill(process, number)
        assert server.get("/healthz").status == 200
        server.process.send_signal(signal.SIGTTIN)  # as those before it, it is seen by the supervisor's loop
        second = successor(server, pid)
        assert set(workers_of(server)) == {pid, second}
        assert ignored_by(second) >= {signal.SIGHUP, signal.SIGUSR2}


def ignored_by(pid: int) -> set[int]:
    """The signals that a process ignores."""
    rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    mask = next(int(row.split()[1], 16) for row in rows if row.startswith("SigIgn:"))
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


_IN_TERMINAL = """
import os, pty, sys
pid, terminal = pty.fork()
if not pid:  # its standard streams are the terminal, which it is the leader of
    os.execv(sys.executable, [sys.executable, "-m", "tests.service.slow_server"])
shown = b""
while not shown.partition(b"serves ")[2].endswith(b"\\n"):
    shown += os.read(terminal, 1000)
print(pid, shown.decode().split("serves ")[1].split()[0], flush=True)
sys.stdin.readline()
os.close(terminal)
print("closed", flush=True)
sys.stdin.readline()
"""


def test_a_service_whose_terminal_is_closed_goes_on() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(CRNN_OCR_PORT="0"),
    ) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        pid, url = user.stdout.readline().split()
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=20) as answer:
                assert answer.status == 200
            user.stdin.write("\n")
            user.stdin.flush()
            assert user.stdout.readline() == "closed\n"
            workers = [child.pid for child in living_children(int(pid))]
            for _ in range(3):  # whose log lines go nowhere
                with urllib.request.urlopen(f"{url}/options", timeout=20) as answer:
                    assert answer.status == 200
            assert [child.pid for child in living_children(int(pid))] == workers
        finally:
            os.kill(int(pid), signal.SIGTERM)
            user.stdin.close()


def workers_of(server: Server) -> list[int]:
    return [child.pid for child in living_children(server.process.pid)]


def successor(server: Server, pid: int) -> int:
    """The worker after this one, as soon as there is one."""
    deadline = time.monotonic() + 20
    while True:
        for child in workers_of(server):
            if child != pid:
                return child
        assert time.monotonic() < deadline, f"{pid} did not hear it"
        time.sleep(0.0005)


# ---- how workers end ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "left", "killed_by"),
    [
        ("", True, None),
        ("raise SystemExit(1)", False, None),
        ("import os; os.kill(os.getpid(), 9)", False, signal.SIGKILL),
        ("import os; os.kill(os.getpid(), 15)", False, signal.SIGTERM),
    ],
)
def test_the_supervisor_knows_how_a_worker_has_ended(program: str, left: bool, killed_by: int | None) -> None:
    ended = []
    supervisor = object.__new__(Supervisor)
    supervisor.log = logging.getLogger(__name__)
    supervisor.reexec_pid = supervisor.dirty_arbiter_pid = 0
    supervisor.cfg = SimpleNamespace(child_exit=lambda _arbiter, worker: ended.append(worker))
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        worker = SimpleNamespace(left=False, killed_by=None, tmp=io.BytesIO())
        other = SimpleNamespace(left=False, killed_by=None)
        supervisor.WORKERS = {process.pid: worker, os.getpid(): other}
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        supervisor.reap_workers()
        process.returncode = 0  # the supervisor has asked for it
    assert ended == [worker]
    assert (worker.left, worker.killed_by) == (left, killed_by)
    assert (other.left, other.killed_by) == (False, None)
