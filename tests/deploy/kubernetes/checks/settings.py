"""The variables of the container are settings that the service takes."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from unittest import mock

from crnn_ocr.caching.shared import check_redis_url
from crnn_ocr.errors import OcrError
from crnn_ocr.service import launcher
from crnn_ocr.settings import Settings, load_settings
from tests.deploy.kubernetes.inventory import Inventory, Workload, title

_OTHERS = re.compile(r"ORT_DISABLE_TELEMETRY|OTEL_[A-Z_]+|(HTTPS?|NO)_PROXY|TZ")


def effective(inventory: Inventory, workload: Workload) -> Settings:
    """The settings as the service would read them.

    Raises:
        SettingsError: It would not start.
    """
    return settings_of(inventory.environment(workload))


def settings_of(environment: Mapping[str, str]) -> Settings:
    """As `effective`, from variables."""
    with mock.patch.dict(os.environ, environment, clear=True):
        return load_settings()


def known(inventory: Inventory) -> Iterator[str]:
    """Every variable is known, given once, and has a value that can be."""
    names = {f"CRNN_OCR_{name.upper()}" for name in Settings.model_fields}
    for workload in inventory.workloads:
        where = title(workload.manifest)
        environment = inventory.environment(workload)
        for name in environment:
            if name not in names and not _OTHERS.fullmatch(name):
                yield f"{where}: there is no setting {name}"
        given = [variable["name"] for variable in workload.container.get("env", [])]
        for source in workload.container.get("envFrom", []):
            manifest = inventory.find("ConfigMap", source.get("configMapRef", {}).get("name"))
            given += (manifest or {}).get("data", {})
        for name in sorted({name for name in given if given.count(name) > 1}):
            yield f"{where}: {name} is given twice"
        try:
            settings = settings_of(environment)
            launcher.check(settings.model_copy(update={"api_keys_file": None}))
            if settings.redis_url is not None:
                check_redis_url(settings.redis_url.get_secret_value())
        except OcrError as error:
            yield f"{where}: the service would not start: {error.message}"


def address(inventory: Inventory) -> Iterator[str]:
    """It listens where its port is."""
    for workload, settings in _settings(inventory):
        where = title(workload.manifest)
        if settings.host not in ("0.0.0.0", "::"):
            yield f"{where}: listens on {settings.host}, where nobody reaches it"
        if settings.port not in workload.ports.values():
            yield f"{where}: listens on port {settings.port}, which the container does not declare"


def doors(inventory: Inventory) -> Iterator[str]:
    """Either there are keys, or it was said that there are none."""
    for workload, settings in _settings(inventory):
        where = title(workload.manifest)
        if bool(settings.api_keys_file or settings.api_keys) == settings.allow_anonymous:
            yield f"{where}: neither keys nor CRNN_OCR_ALLOW_ANONYMOUS, or both"
        if settings.api_keys_file is None:
            continue
        found = workload.mounted(str(settings.api_keys_file))
        if found is None or "secret" not in found[1] or not found[0].get("readOnly"):
            yield f"{where}: CRNN_OCR_API_KEYS_FILE does not lie in a Secret that is mounted to be read"
            continue
        secret = inventory.find("Secret", found[1]["secret"]["secretName"])
        if secret is not None:
            yield from _entries(where, settings.api_keys_file.name, secret)


def _entries(where: str, key: str, secret: dict[str, dict[str, str]]) -> Iterator[str]:
    text = secret.get("stringData", {}).get(key)
    if text is None and key in secret.get("data", {}):
        text = base64.b64decode(secret["data"][key]).decode()
    if not text:
        yield f"{where}: the Secret of the keys has no {key!r}"
        return
    rows = ",".join(row.partition("#")[0] for row in text.splitlines())
    try:
        launcher.check(settings_of({"CRNN_OCR_API_KEYS": rows}))
    except OcrError as error:
        yield f"{where}: the Secret of the keys: {error.message}"


def folders(inventory: Inventory) -> Iterator[str]:
    """Folders of models are volumes that are read, and such volumes are folders of models."""
    for workload, settings in _settings(inventory):
        where = title(workload.manifest)
        claims = {name for name, volume in workload.volumes.items() if "persistentVolumeClaim" in volume}
        if settings.models_dir is None:
            if claims:
                yield f"{where}: a volume is mounted, but CRNN_OCR_MODELS_DIR is not set"
            continue
        found = workload.mounted(str(PurePosixPath(settings.models_dir)))
        if found is None:
            yield f"{where}: no volume is mounted at CRNN_OCR_MODELS_DIR"
        elif not found[0].get("readOnly"):
            yield f"{where}: model packs could be written"


def _settings(inventory: Inventory) -> Iterator[tuple[Workload, Settings]]:
    for workload in inventory.workloads:
        try:
            yield workload, effective(inventory, workload)
        except OcrError:
            continue  # `known` tells


CHECKS = (known, address, doors, folders)
