"""Take out of an installed environment what the service never uses: `slim.py ENVIRONMENT`.

Everything named here was found to be unused by the product; the tests of the image read pictures of every
format with what is left. What is removed is printed with its size.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

MIB = 1024 * 1024

#: Paths inside `site-packages`, and why nobody misses them.
UNUSED = {
    "**/tests": "tests of packages",
    "**/*.pyi": "types, for editors",
    "**/*.h": "for compiling against them",
    "**/*.proto*": "sources of what is there compiled",
    "cv2/data": "detectors of faces",
    "google/_upb/**/*.a": "for linking",
    "numpy/_core/include": "for compiling against NumPy",
    "numpy/_core/lib": "for linking to NumPy",
    "numpy/f2py": "a compiler's driver",
    "onnx/backend/test": "sample networks",
    "onnx/bin": "command-line tools",
    # Every function that is used is also in the Python module beside it, which does not load it.
    "onnxruntime/capi/libonnxruntime.so.*": "for programs in C",
    "onnxruntime/datasets": "sample networks",
    "onnxruntime/quantization": "for training",
    "onnxruntime/tools": "for mobile builds",
    "onnxruntime/transformers": "for exporting language models",
}


def size_of(path: Path) -> int:
    """Count the bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() or path.is_symlink() else path.rglob("*")
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def remove(paths: Iterable[Path], why: str) -> int:
    """Remove files and folders; tell and return how many bytes that were."""
    total = 0
    for path in paths:
        total += size_of(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if total:
        sys.stdout.write(f"{total / MIB:6.1f} MiB less: {why}\n")
    return total


def matching(site: Path, pattern: str) -> list[Path]:
    """Find what the pattern names, without what lies inside another match."""
    found = sorted(site.glob(pattern))
    return [path for path in found if not any(parent in found for parent in path.parents)]


def carried(site: Path) -> dict[str, set[str]]:
    """Find the packages that only carry weights, and the files of each that the bundled packs name."""
    files: dict[str, set[str]] = {}
    for manifest in site.glob("crnn_ocr/models/bundled/*/manifest.json"):
        for entry in json.loads(manifest.read_text(encoding="utf-8")).values():
            if isinstance(entry, dict) and "package" in entry:
                files.setdefault(entry["package"], set()).add(entry["path"])
    return files


def superfluous(package: Path, kept: set[str]) -> Iterator[Path]:
    """Find the files of a package beside those that are kept."""
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.relative_to(package).as_posix() not in kept:
            yield path


def main(arguments: list[str]) -> int:
    """Slim the environment."""
    sites = list(Path(arguments[0]).glob("lib/python3*/site-packages"))
    if len(sites) != 1:
        sys.stderr.write(f"{arguments[0]} is no environment\n")
        return 2
    site = sites[0]
    before = size_of(site)
    for pattern, why in UNUSED.items():
        remove(matching(site, pattern), f"{pattern}, {why}")
    for package, kept in carried(site).items():
        remove(superfluous(site / package, kept), f"{package} but for {', '.join(sorted(kept))}")
    for folder in sorted(site.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    sys.stdout.write(f"{before / MIB:6.1f} MiB before, {size_of(site) / MIB:.1f} MiB after\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
