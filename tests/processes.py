"""Child processes, which may end between two questions about them."""

from __future__ import annotations

import psutil


def alive(process: psutil.Process) -> bool:
    """Return whether a process still runs; one that nobody has waited for yet does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def living_children(pid: int | None = None) -> list[psutil.Process]:
    """Return the running children of a process, by default of this one."""
    return [child for child in psutil.Process(pid).children() if alive(child)]


def command_line(process: psutil.Process) -> str:
    """Return the words that a process was started with; nothing where it has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""
