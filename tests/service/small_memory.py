"""Programs whose /dev/shm is a small one: `python -m tests.service.small_memory [--full] ARGUMENTS`.

It becomes `crnn-ocr serve ARGUMENTS`, in a mount namespace that only it and its workers see; with `--full`
there is no room in that memory from the beginning.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Enough for the metrics of two workers and the supervisor, and for little else.
SIZE = 2 * 1024 * 1024


def inside(command: Sequence[str], *, full: bool = False) -> list[str]:
    """The command line that runs a program so."""
    mount = f"mount -t tmpfs -o size={SIZE} tmpfs /dev/shm"
    if full:
        mount += f" && head -c {SIZE} /dev/zero > /dev/shm/filler"
    namespaces = "--mount" if os.getuid() == 0 else "--map-root-user --mount"
    return ["unshare", *namespaces.split(), "sh", "-c", f"{mount} && exec {shlex.join(command)}"]


@functools.cache
def possible() -> bool:
    """Whether this machine lets us."""
    try:
        return subprocess.run(inside(["true"]), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def fill(folder: Path) -> Path:
    """Leave not a byte of room in a file system; removing the returned file gives it back."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--full"]
    serve = [sys.executable, "-m", "crnn_ocr", "serve", *arguments]
    os.execvp("unshare", inside(serve, full="--full" in sys.argv))
