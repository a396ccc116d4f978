"""Every knob of the installation, as `CRNN_OCR_*` environment variables, validated at start.

The defaults are right for a container with 2 cores and 512 MiB. `docs/settings.md` is generated from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from crnn_ocr.errors import SettingsError

MIB = 1024 * 1024


class Settings(BaseSettings):
    """The settings; see `load_settings` for reading them with readable errors."""

    model_config = SettingsConfigDict(
        env_prefix="CRNN_OCR_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    # -- models
    model: str = Field(default="ppocrv6-small", description="Recogniser pack that is used by default.")
    detector: str = Field(default="ppocrv6-det-small", description="Detector pack.")
    models_dir: Path | None = Field(
        default=None,
        description="Folder with further model packs; `~/.local/share/crnn-ocr/models` (XDG) when empty.",
    )
    cache_dir: Path | None = Field(
        default=None,
        description="Folder for prepared model graphs; the user's cache folder when empty.",
    )

    replacements: Path | None = Field(
        default=None,
        description="TSV file of strings to put in the place of others in what was read; none when empty.",
    )

    # -- computing
    precision: Literal["auto", "int8", "fp32"] = Field(
        default="auto",
        description="Arithmetic of recognisers that have an INT8 graph. auto: INT8 on CPUs with dot-product "
        "instructions (VNNI, ARM dotprod), else FP32. Other packs are not affected.",
    )
    threads: int = Field(
        default=0, ge=0, le=256, description="Cores to use; 0: as many as affinity and cgroup quota allow."
    )

    # -- limits of one input, checked from the header before pixels are decoded
    max_image_bytes: int = Field(
        default=20 * MIB, ge=1024, description="Largest encoded picture or PDF, in bytes."
    )
    max_pixels: int = Field(
        default=50_000_000, ge=10_000, description="Largest picture, in pixels (width × height)."
    )
    max_side: int = Field(default=40_000, ge=256, description="Longest side of a picture, in pixels.")
    max_pages: int = Field(default=50, ge=1, description="Most pages that are read of one TIFF or PDF.")
    pdf_dpi: int = Field(default=200, ge=72, le=600, description="Resolution at which PDF pages are drawn.")

    # -- service
    host: str = Field(default="127.0.0.1", description="Address that `crnn-ocr serve` listens on.")
    port: int = Field(
        default=5000, ge=0, le=65535, description="Port that `crnn-ocr serve` listens on; 0: any free one."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Gunicorn worker processes.")
    worker_threads: int = Field(default=8, ge=1, le=256, description="Request threads per worker process.")
    graceful_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="How long a service that is told to stop waits for the requests in flight, in seconds.",
    )
    max_body_bytes: int = Field(
        default=32 * MIB,
        ge=1024,
        description="Largest request body, in bytes; base64 makes a picture a third larger.",
    )

    # -- logging
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of a log line.")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A value is malformed or out of range; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        parts = []
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            name = "_".join(str(part) for part in item["loc"]).upper()
            parts.append(f"CRNN_OCR_{name}: {item['msg']}")
        raise SettingsError("; ".join(parts)) from None
