"""Do at build time what would else be done at every start: `prepare.py FOLDER`.

A container's root is read-only and gone with it, so what a start makes is made again at the next one:

* the graphs of the bundled recognisers, with the arg-max inside, go to the folder; not the float forms of
  INT8 graphs, which are three times as large as these: a CPU that needs one derives it at the start;
* modules that the service imports are compiled, of Python's own library those that it really imports. The
  files are never changed again, so nothing needs to be compared with their source.

ONNX Runtime is not loaded: it looks at the CPU, which a build for another architecture cannot show it.
"""

from __future__ import annotations

import importlib
import pkgutil
import py_compile
import re
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

MODES = py_compile.PycInvalidationMode

#: Packages that are compiled as a whole. `onnx` is needed where a pack that somebody brings is prepared.
WHOLE = frozenset(
    re.findall(
        r"\S+",
        """
        annotated_types blinker click crnn_ocr cv2 flask gunicorn itsdangerous jinja2 markupsafe numpy
        onnxruntime packaging PIL prometheus_client pydantic pydantic_core pydantic_settings pypdfium2
        pypdfium2_raw redis typing_inspection werkzeug
        """,
    )
)
#: Never run in a container.
LEFT_OUT = ("crnn_ocr/training", "onnxruntime/backend", "numpy/typing", "numpy/distutils")


def stand_in() -> None:
    """Let modules that import ONNX Runtime be imported without it."""
    module = ModuleType("onnxruntime")
    module.set_default_logger_severity = lambda _level: None  # type: ignore[attr-defined]
    sys.modules["onnxruntime"] = module


def import_service() -> None:
    """Import what a service imports, so that `sys.modules` tells of what it is made."""
    import crnn_ocr.cli

    for package in ("crnn_ocr.service", "crnn_ocr.imaging", "crnn_ocr.caching", "crnn_ocr.engine"):
        folder = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(folder, f"{package}."):
            if not module.name.endswith(("tracing", "spans")):
                importlib.import_module(module.name)
    late = ("multiprocessing.spawn", "pypdfium2", "PIL.Image", "http.client")
    worker = ("celery.apps.worker", "celery.concurrency.prefork", "kombu.transport.redis")
    for name in ("crnn_ocr.engine.ocr", "redis", "gunicorn.arbiter", *late, *worker):
        importlib.import_module(name)
    assert crnn_ocr.cli


def compile_all(site: Path) -> int:
    """Compile packages, and what has been imported; return how many files."""
    files = {path for name in WHOLE for path in (site / name).rglob("*.py")}
    files = {path for path in files if not str(path.relative_to(site)).startswith(LEFT_OUT)}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py"):
            files.add(Path(path))
    files = {path for path in files if not path.is_relative_to(Path(__file__).parent)}
    for path in files:
        py_compile.compile(str(path), doraise=True, invalidation_mode=MODES.UNCHECKED_HASH)
    return len(files)


def prepare_graphs(folder: Path) -> int:
    """Prepare the bundled recognisers; return how many graphs were made."""
    from crnn_ocr.engine.kinds import RECOGNIZER
    from crnn_ocr.models.prepare import prepared_graph
    from crnn_ocr.models.registry import BUNDLED, Registry

    packs = [pack for pack in Registry(BUNDLED).packs() if pack.manifest.kind == RECOGNIZER.name]
    folder.mkdir(exist_ok=True)
    for pack in packs:
        prepared_graph(pack, cache_dir=folder)
    made = list(folder.iterdir())
    for path in made:
        path.chmod(0o644)
    return len(made)


def main(arguments: list[str]) -> int:
    """Prepare everything."""
    stand_in()
    import_service()
    compiled = compile_all(Path(sysconfig.get_path("purelib")))
    graphs = prepare_graphs(Path(arguments[0]))
    sys.stdout.write(f"compiled {compiled} modules, prepared {graphs} graphs\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
