"""Cuts libraries off a compiled module that never calls them: `cut_libraries.py MODULE LIBRARY…`.

OpenCV's wheels link its one big module to FFmpeg, which brings OpenSSL, and to OpenBLAS: 75 MB, among them
the parts in which vulnerabilities are found most often. The product reads pictures, never videos, and gives
OpenCV no matrix that is large enough for OpenBLAS. But the loader refuses a module one of whose libraries
is missing. So this makes it need them no more:

* their `DT_NEEDED` entries leave the dynamic section;
* the versions that were asked of them leave the list of version requirements (`.gnu.version_r`), and the
  symbols that had those versions ask for none (`.gnu.version`);
* the symbols become weak, for which the loader takes 0 where nobody defines them.

Calling one of them would end the process. FFmpeg is called by `VideoCapture` and `VideoWriter` alone.
OpenBLAS is called by `gemm`, `solve`, `SVDecomp` and their like for matrices from some 25 rows on; what
OpenCV's geometry solves by itself has 8 (`getPerspectiveTransform`).

The file keeps its size and layout: only entries are changed. ELF as in the System V ABI and the LSB's
chapter on symbol versions; 64 bits, little-endian, as x86-64 and ARM64 are.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SYMTAB = 0, 1, 5, 6
_DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF
_STB_GLOBAL, _STB_WEAK, _SHN_UNDEF, _SHT_DYNSYM, _VER_NDX_GLOBAL = 1, 2, 0, 11, 1
_HIDDEN = 0x8000
_DYNAMIC_SIZE, _SYMBOL_SIZE, _HEADER_SIZE = 16, 24, 56


class CutError(ValueError):
    """The file is not made as expected; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


class Module:
    """A shared object in memory."""

    def __init__(self, content: bytes) -> None:
        """Parse its dynamic section.

        Raises:
            CutError: It is no such file.
        """
        self.content = bytearray(content)
        if not content.startswith(_MAGIC):
            raise CutError("no 64-bit little-endian ELF file")
        (start,) = struct.unpack_from("<Q", content, 32)
        (count,) = struct.unpack_from("<H", content, 56)
        self._segments = []
        for index in range(count):
            kind, _, offset, address, _, size = struct.unpack_from(
                "<IIQQQQ", content, start + index * _HEADER_SIZE
            )
            self._segments.append(_Segment(kind, offset, address, size))
        dynamic = [segment for segment in self._segments if segment.kind == _PT_DYNAMIC]
        if len(dynamic) != 1:
            raise CutError("not one dynamic section")
        self._dynamic = dynamic[0].offset
        self._tags = dict(self._entries())

    def _entries(self) -> Iterator[tuple[int, int]]:
        at = self._dynamic
        while True:
            tag, value = struct.unpack_from("<qQ", self.content, at)
            if tag == _DT_NULL:
                return
            yield tag, value
            at += _DYNAMIC_SIZE

    def _offset(self, address: int) -> int:
        for segment in self._segments:
            if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size:
                return address - segment.address + segment.offset
        raise CutError(f"no segment holds {address:#x}")

    def _table(self, tag: int) -> int:
        if tag not in self._tags:
            raise CutError(f"the dynamic section has no entry {tag:#x}")
        return self._offset(self._tags[tag])

    def _string(self, index: int) -> str:
        start = self._table(_DT_STRTAB) + index
        return self.content[start : self.content.index(b"\0", start)].decode()

    @property
    def needed(self) -> list[str]:
        """The libraries that it wants loaded."""
        return [self._string(value) for tag, value in self._entries() if tag == _DT_NEEDED]

    @property
    def exported(self) -> frozenset[str]:
        """Names of the symbols that it defines for others."""
        return frozenset(
            self._string(name)
            for _, name, info, section in self._symbols()
            if section != _SHN_UNDEF and info >> 4 in (_STB_GLOBAL, _STB_WEAK)
        )

    def cut(self, libraries: Mapping[str, frozenset[str]]) -> int:
        """Need these libraries no more.

        Args:
            libraries: Names as in `needed`, and what each exports.

        Returns:
            How many symbols lost their library.

        Raises:
            CutError: It does not need one of them.
        """
        absent = libraries.keys() - set(self.needed)
        if absent:
            raise CutError(f"does not need {', '.join(sorted(absent))}")
        versions = self._drop_versions(libraries.keys())
        self._drop_needed(libraries.keys())
        return self._weaken(versions, frozenset().union(*libraries.values()))

    def _drop_needed(self, names: Set[str]) -> None:
        kept = [
            (tag, value)
            for tag, value in self._entries()
            if not (tag == _DT_NEEDED and self._string(value) in names)
        ]
        kept += [(_DT_NULL, 0)] * (len(list(self._entries())) - len(kept))
        for index, entry in enumerate(kept):
            struct.pack_into("<qQ", self.content, self._dynamic + index * _DYNAMIC_SIZE, *entry)

    def _drop_versions(self, names: Set[str]) -> frozenset[int]:
        """Take the libraries out of the chain of version requirements; return the versions' numbers."""
        first = self._table(_DT_VERNEED)
        dropped: set[int] = set()
        kept: list[int] = []
        at = first
        for _ in range(self._tags[_DT_VERNEEDNUM]):
            _, count, file, auxiliary, following = struct.unpack_from("<HHIII", self.content, at)
            if self._string(file) in names:
                entry = at + auxiliary
                for _ in range(count):
                    _, _, index, _, step = struct.unpack_from("<IHHII", self.content, entry)
                    dropped.add(index & ~_HIDDEN)
                    entry += step
            else:
                kept.append(at)
            at += following
        if not kept or kept[0] != first:
            raise CutError("the first version requirement is one of those to cut")
        for here, following in zip(kept, [*kept[1:], None], strict=True):
            struct.pack_into("<I", self.content, here + 12, 0 if following is None else following - here)
        self._set(_DT_VERNEEDNUM, len(kept))
        return frozenset(dropped)

    def _set(self, tag: int, value: int) -> None:
        at = self._dynamic
        for present, _ in self._entries():
            if present == tag:
                struct.pack_into("<qQ", self.content, at, tag, value)
            at += _DYNAMIC_SIZE
        self._tags[tag] = value

    def _weaken(self, versions: Set[int], names: Set[str]) -> int:
        table = self._table(_DT_VERSYM)
        changed = 0
        for number, (at, name, info, section) in enumerate(self._symbols()):
            place = table + 2 * number
            (version,) = struct.unpack_from("<H", self.content, place)
            if section != _SHN_UNDEF or info >> 4 != _STB_GLOBAL:
                continue
            unversioned = version & ~_HIDDEN == _VER_NDX_GLOBAL
            if version & ~_HIDDEN in versions or (unversioned and self._string(name) in names):
                struct.pack_into("<B", self.content, at + 4, (_STB_WEAK << 4) | (info & 15))
                struct.pack_into("<H", self.content, place, _VER_NDX_GLOBAL)
                changed += 1
        return changed

    def _symbols(self) -> Iterator[tuple[int, int, int, int]]:
        """Each dynamic symbol: where it stands, and the place of its name, its kind and its section."""
        start = self._table(_DT_SYMTAB)
        for at in range(start, self._symbols_end(start), _SYMBOL_SIZE):
            yield at, *struct.unpack_from("<IBxH", self.content, at)

    def _symbols_end(self, start: int) -> int:
        (sections,) = struct.unpack_from("<Q", self.content, 40)
        size, count = struct.unpack_from("<HH", self.content, 58)
        for number in range(count):
            kind, _, _, offset, length = struct.unpack_from(
                "<IQQQQ", self.content, sections + number * size + 4
            )
            if kind == _SHT_DYNSYM and offset == start:
                return int(offset + length)
        raise CutError("no section holds the symbols")


def main(arguments: list[str]) -> int:
    """Cut and write the file in place."""
    path, libraries = Path(arguments[0]), [Path(argument) for argument in arguments[1:]]
    module = Module(path.read_bytes())
    symbols = module.cut({library.name: Module(library.read_bytes()).exported for library in libraries})
    path.write_bytes(module.content)
    sys.stdout.write(f"{path.name} needs {len(libraries)} libraries and {symbols} symbols less\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
