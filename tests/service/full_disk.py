"""The service on a machine whose disks are full: `python -m tests.service.full_disk`.

No process of it can write a file beyond a limit: as on a full disk, writing fails with an `OSError`.
"""

from __future__ import annotations

import resource
import sys

from crnn_ocr.cli import main

#: Room for the files of the metrics, which are in memory, and for a log; none for a graph.
LARGEST_FILE = 2 * 1024 * 1024

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    sys.exit(main(["serve", *sys.argv[1:]]))
