"""Complete the bill of materials that `cyclonedx-py` has written: `bill.py FILE`, in the image's environment.

It adds the bundled model packs, and the licence of packages that state it in words of their own.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from crnn_ocr.models.registry import BUNDLED


def models() -> list[dict[str, Any]]:
    """Describe the bundled packs as components of CycloneDX."""
    packs = [json.loads(path.read_text("utf-8")) for path in sorted(BUNDLED.glob("*/manifest.json"))]
    return [
        {
            "bom-ref": f"model-{pack['name']}",
            "type": "machine-learning-model",
            "name": pack["name"],
            "version": pack["version"],
            "description": pack["provenance"],
            "licenses": [{"license": {"id": pack["licence"]}}],
            "hashes": [{"alg": "SHA-256", "content": pack["graph"]["sha256"]}],
        }
        for pack in packs
    ]


def main(file: Path) -> None:
    """Complete the file in place."""
    bill = json.loads(file.read_text("utf-8"))
    for package in bill["components"]:
        if "licenses" not in package and (words := metadata(package["name"]).json.get("license")):
            package["licenses"] = [{"license": {"name": str(words)}}]
    bill["components"] += models()
    file.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
