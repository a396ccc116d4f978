"""Measures the peak resident memory of ``crnn-ocr read`` over all of ``pages_zh``.

    python -m benchmarks.memory [--set pages_zh] [--limit 400]

The command runs as a user would run it. Its peak is the ``VmHWM`` of its process tree, read until it ends;
the sum over the tree is an upper bound, because shared pages count once per process. Exits with 1 above the
limit.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import datasets, report

MIB = 1024 * 1024
_INTERVAL = 0.02  # seconds; VmHWM only rises, so a rare look misses at most the last moment


def _tree(pid: int) -> Iterator[int]:
    """Return a process and its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
            yield from _tree(int(child))


def _peak(pid: int) -> int:
    """Return ``VmHWM`` of one process in bytes; 0 if it has ended."""
    try:
        match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(match[1]) * 1024 if match else 0


def measure(command: list[str]) -> tuple[int, float]:
    """Run a command to its end.

    Returns:
        Peak resident bytes of its process tree, and wall seconds.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    start = time.perf_counter()
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                for pid in _tree(process.pid):
                    peaks[pid] = max(peaks.get(pid, 0), _peak(pid))
            except (FileNotFoundError, ProcessLookupError):
                continue  # a process ended between two looks
            time.sleep(_INTERVAL)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return sum(peaks.values()), time.perf_counter() - start


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--set", default="pages_zh", help="folder of the evaluation pictures")
    parser.add_argument("--limit", type=int, default=400, help="MiB that are allowed (default: 400)")
    arguments = parser.parse_args()
    paths = [str(sample.path) for sample in datasets.load(arguments.set)]
    program = Path(sys.executable).with_name("crnn-ocr")
    peak, seconds = measure([str(program), "read", *paths])
    verdict = "within" if peak <= arguments.limit * MIB else "OVER"
    print(report.heading(f"Memory of `crnn-ocr read` over {arguments.set}"))
    print(
        f"Peak resident memory: {peak / MIB:.0f} MiB for {len(paths)} pages in {seconds:.1f} s; "
        f"{verdict} the limit of {arguments.limit} MiB."
    )
    report.save("memory", {"set": arguments.set, "peak_rss": peak, "wall_s": seconds, "pages": len(paths)})
    sys.exit(verdict == "OVER")


if __name__ == "__main__":
    main()
