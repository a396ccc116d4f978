"""Programs in a control group: `python -m tests.service.grouped FOLDER MODULE ARGUMENTS`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Enter the group, then become `python -m MODULE ARGUMENTS`."""
    folder, *module = sys.argv[1:]
    Path(folder, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    os.execv(sys.executable, [sys.executable, "-m", *module])


if __name__ == "__main__":
    main()
