"""Writes what the image is made of, a CycloneDX bill of materials and a list of licences: `bill.py FOLDER`.

`sbom.cdx.json` is for programs (scanners of vulnerabilities, registries), `licences.txt` for people. Listed
are the Python packages, Python itself, Debian's packages and the model packs. The same image gives the same
bytes.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path("/")
_NAMESPACE = uuid.UUID("6f6a2f0e-27c7-5d0c-9a3e-5c1a40a6b0c5")  # random, ours
#: An SPDX expression as packages write it: nothing but names and the words that join them.
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")
#: Names that packages use for licences, and the ones of SPDX.
_SPDX = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "mit": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}


@dataclass(frozen=True)
class Component:
    """One row of the bill."""

    kind: str
    name: str
    version: str
    licence: str
    purl: str
    about: str
    sha256: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As CycloneDX 1.6 has it."""
        row: dict[str, Any] = {
            "type": self.kind,
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
        }
        if self.licence:
            spdx = _EXPRESSION.fullmatch(self.licence) and ("-" in self.licence or self.licence == "MIT")
            row["licenses"] = [{"expression": self.licence} if spdx else {"license": {"name": self.licence}}]
        row["purl"] = self.purl
        if self.sha256:
            row["hashes"] = [{"alg": "SHA-256", "content": self.sha256}]
        if self.properties:
            row["properties"] = [{"name": name, "value": value} for name, value in self.properties.items()]
        return row


# ---- Python -----------------------------------------------------------------------------------------


def python_packages() -> Iterator[Component]:
    """The interpreter and what is installed for it."""
    version = platform.python_version()
    yield Component("platform", "python", version, "PSF-2.0", f"pkg:generic/python@{version}", "interpreter")
    for distribution in sorted(distributions(), key=lambda entry: entry.name.lower()):
        name = re.sub(r"[-_.]+", "-", distribution.name).lower()
        kind = "application" if name == "crnn-ocr" else "library"
        purl = f"pkg:pypi/{name}@{distribution.version}"
        licence = licence_of(distribution)
        yield Component(kind, name, distribution.version, licence, purl, "Python package")


def licence_of(distribution: Distribution) -> str:
    """The licence that a package gives itself: SPDX where it says so, else its own words."""
    metadata = distribution.metadata.json
    if expression := metadata.get("license_expression"):
        return str(expression)
    named = [row.rpartition("::")[2].strip() for row in metadata.get("classifier", []) if "License ::" in row]
    named = [name for name in named if name != "OSI Approved"]
    text = str(metadata.get("license", "")).strip()
    if text and len(text) < 60 and "\n" not in text:
        named.insert(0, text)
    return _SPDX.get(named[0].lower(), named[0]) if named else ""


# ---- Debian -----------------------------------------------------------------------------------------


def debian_packages(root: Path) -> Iterator[Component]:
    """What Debian's list of installed packages names."""
    status = root / "var/lib/dpkg/status"
    release = dict(
        line.split("=", 1) for line in (root / "etc/os-release").read_text().splitlines() if "=" in line
    )
    distro = f"debian-{release.get('VERSION_ID', '').strip(chr(34))}"
    for record in status.read_text(encoding="utf-8").split("\n\n") if status.is_file() else []:
        rows = dict(line.split(": ", 1) for line in record.splitlines() if re.match(r"\w[\w-]*: ", line))
        if "Package" in rows:
            name, version = rows["Package"], rows["Version"]
            purl = (
                f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={rows['Architecture']}&distro={distro}"
            )
            licence = debian_licence(root / "usr/share/doc" / name / "copyright")
            yield Component("library", name, version, licence, purl, "Debian package")


def debian_licence(path: Path) -> str:
    """Short names in a machine-readable copyright file (DEP 5); what they stand for is in the file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    names = re.findall(r"^License: *(\S.*)$", text, re.MULTILINE)
    return "; ".join(dict.fromkeys(name.strip() for name in names)) or f"see {path}"


# ---- models -----------------------------------------------------------------------------------------


def models() -> Iterator[Component]:
    """The packs inside the package."""
    import crnn_ocr

    for manifest in sorted(Path(crnn_ocr.__file__).parent.glob("models/bundled/*/manifest.json")):
        pack = json.loads(manifest.read_text(encoding="utf-8"))
        purl = f"pkg:generic/crnn-ocr-model-{pack['name']}@{pack['version']}"
        yield Component(
            "machine-learning-model",
            pack["name"],
            pack["version"],
            pack["licence"],
            purl,
            "model pack",
            pack["graph"]["sha256"],
            {"crnn-ocr:provenance": pack["provenance"]},
        )


# ---- the files --------------------------------------------------------------------------------------


def bill(components: list[Component]) -> dict[str, Any]:
    """The bill in CycloneDX 1.6."""
    product = next(row for row in components if row.kind == "application")
    others = [row.as_json() for row in components if row is not product]
    content = json.dumps(others, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}",
        "version": 1,
        "metadata": {"component": product.as_json()},
        "components": others,
    }


def list_of_licences(components: list[Component]) -> str:
    """A table for people."""
    rows = [(row.about, row.name, row.version, row.licence or "unknown") for row in components]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    head = (
        "What the image is made of. Full texts: /usr/share/doc/*/copyright of Debian's; *.dist-info\n"
        "and LICENSE* under /opt/crnn-ocr/lib for Python's, LICENSE and NOTICE of crnn-ocr among them.\n\n"
    )
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )
    return head + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write both files."""
    folder = Path(arguments[0])
    folder.mkdir(exist_ok=True)
    components = [*python_packages(), *models(), *debian_packages(ROOT)]
    text = json.dumps(bill(components), indent=1, ensure_ascii=False) + "\n"
    (folder / "sbom.cdx.json").write_text(text, encoding="utf-8")
    (folder / "licences.txt").write_text(list_of_licences(components), encoding="utf-8")
    unknown = [row.name for row in components if not row.licence]
    sys.stdout.write(
        f"{len(components)} components; without a known licence: {' '.join(unknown) or 'none'}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
