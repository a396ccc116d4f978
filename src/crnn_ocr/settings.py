"""Every knob of the installation, as `CRNN_OCR_*` environment variables, validated at start.

The defaults are right for a container with 2 cores and 512 MiB. `docs/settings.md` is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from crnn_ocr.errors import SettingsError
from crnn_ocr.imaging.limits import Limits

MIB = 1024 * 1024
PREFIX = "CRNN_OCR_"
#: How alike a name and that of a setting have to be to be taken for a slip; 1: the same.
_NEAR = 0.7


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


#: A list in one variable, its entries separated by commas or white space.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """The settings; see `load_settings` for reading them with readable errors."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    # -- models
    model: str = Field(default="crnn-zh-en", description="Recogniser pack that is used by default.")
    detector: str = Field(default="ppocrv6-det-small", description="Detector pack.")
    models_dir: Path | None = Field(
        default=None,
        description="Folder with further model packs; `~/.local/share/crnn-ocr/models` (XDG) when empty.",
    )
    cache_dir: Path | None = Field(
        default=None,
        description="Folder for prepared model graphs; the user's cache folder when empty.",
    )

    named_models: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Recognisers that are kept loaded because requests name them, beside the active one and "
        "the second look's; the least recently used one makes room.",
    )
    unload_after_s: float = Field(
        default=0.0,
        ge=0,
        description="Unload models that nobody has used for so many seconds; the next request loads them "
        "again. 0: never.",
    )
    verify_models: bool = Field(
        default=False,
        description="Refuse to start where the files of the recogniser or detector are not those of its "
        "manifest; else the service starts, is not ready, and becomes it when the files are mended.",
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
        default=0,
        ge=0,
        le=256,
        description="Cores to use, shared evenly by the worker processes; 0: as many as affinity and cgroup "
        "quota allow.",
    )

    # -- limits of one input, checked from the header before pixels are decoded
    max_image_bytes: int = Field(
        default=20 * MIB, ge=1024, description="Largest encoded picture or PDF, in bytes."
    )
    max_pixels: int = Field(
        default=50_000_000,
        ge=10_000,
        description="Largest picture, in pixels (width × height). What needs more than 6 bytes for each "
        "to be decoded, such as transparent PNG or JPEG 2000, may have fewer.",
    )
    max_side: int = Field(default=40_000, ge=256, description="Longest side of a picture, in pixels.")
    max_pages: int = Field(default=50, ge=1, description="Most pages that are read of one TIFF or PDF.")
    pdf_dpi: int = Field(default=200, ge=72, le=600, description="Resolution at which PDF pages are drawn.")

    # -- service
    host: str = Field(default="127.0.0.1", description="Address that `crnn-ocr serve` listens on.")
    port: int = Field(
        default=5000, ge=0, le=65535, description="Port that `crnn-ocr serve` listens on; 0: any free one."
    )
    warm_up: bool = Field(
        default=True,
        description="Load the models as soon as a worker starts, in the background; else the first request "
        "loads them, and the service counts as ready before.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Gunicorn worker processes.")
    worker_threads: int = Field(
        default=64,
        ge=1,
        le=256,
        description="Requests with pictures per worker process that may be sent, wait or be read at a time; "
        "at most 32 pictures are read at once. Further threads answer probes, pages and refusals.",
    )
    max_requests: int = Field(
        default=0,
        ge=0,
        description="Requests after which a worker process is replaced, or up to a tenth later; a net, for "
        "memory does not grow with requests. 0: never.",
    )
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

    # -- service: how much is let in
    queue_seconds: float = Field(
        default=8.0,
        gt=0,
        le=3600,
        description="Work that is let in, as the seconds that all cores need for it; what would exceed it "
        "is answered 503 with `Retry-After`.",
    )
    max_bytes_in_flight: int = Field(
        default=64 * MIB,
        ge=1024,
        description="Bytes of all request bodies, and of all pictures fetched for them, that the service "
        "holds at a time; one alone is always let in.",
    )
    request_timeout_s: float = Field(
        default=120.0,
        gt=0,
        le=3600,
        description="Longest time from the complete request to its answer, in seconds; a request may ask for "
        "less with the header `X-Request-Timeout`.",
    )
    upload_timeout_s: float = Field(
        default=120.0, gt=0, description="Longest time that a request body may take to arrive, in seconds."
    )
    upload_min_rate: int = Field(
        default=16 * 1024,
        ge=1,
        description="Slowest average at which a request body may arrive after its first ten seconds, in "
        "bytes per second.",
    )
    rate_limit_per_minute: float = Field(
        default=0.0,
        ge=0,
        description="POST requests per minute that each API key, or each address without keys, may send; "
        "0: as many as it likes.",
    )
    rate_limit_burst: int = Field(
        default=0,
        ge=0,
        description="Requests that may come at once after a pause; 0: those of one minute.",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Proxies in front of the service whose `X-Forwarded-For` and `X-Forwarded-Proto` are "
        "believed; 0: those headers are ignored.",
    )

    # -- service: who is let in
    api_keys: Words = Field(
        default=(),
        description="Names and SHA-256 hashes of the API keys, as `NAME:HASH`; none when empty.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="File with further API keys, one `NAME:HASH` per row; `#` starts a comment."
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Listen on other addresses than those of this machine although there are no API keys.",
    )
    cors_origins: Words = Field(
        default=(),
        description="Origins whose pages may use the API, as `https://app.example.com`; none when empty.",
    )

    # -- service: pictures named by URL
    fetch_urls: bool = Field(
        default=False, description='Fetch the pictures of requests that give `"image_url"` for `"image"`.'
    )
    fetch_hosts: Words = Field(
        default=(),
        description="Hosts to fetch from, as `HOST`, `HOST:PORT` or `.DOMAIN` for all below it; every public "
        "host when empty.",
    )
    fetch_networks: Words = Field(
        default=(),
        description="Networks that are not public but may be fetched from, such as `10.1.2.0/24`.",
    )
    fetch_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="Longest time that fetching one picture may take, in seconds."
    )

    # -- service: the cache of answers
    cache_bytes: int = Field(
        default=16 * MIB,
        ge=0,
        le=1024 * MIB,
        description="Memory of each worker process for answers that are kept, in bytes; 0: none are.",
    )
    cache_ttl_s: float = Field(
        default=3600.0, ge=1, description="How long an answer is kept, in seconds, here or in Redis."
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis in which workers and machines share kept answers, such as "
        "`redis://localhost:6379/0` (extra `redis`); none when empty.",
    )
    batch_max_items: int = Field(
        default=64, ge=1, le=10_000, description="Most pictures in one request to `POST /ocr/batch`."
    )

    # -- observing
    metrics: bool = Field(default=True, description="Count, and answer `GET /metrics` for Prometheus.")

    # -- logging
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of a log line.")

    @property
    def limits(self) -> Limits:
        """The largest picture or document that is taken."""
        return Limits(
            max_bytes=self.max_image_bytes,
            max_pixels=self.max_pixels,
            max_side=self.max_side,
            max_pages=self.max_pages,
        )


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


def misspelt(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that are no settings but nearly bear a setting's name, each with that setting.

    They may be meant for somebody else, such as `CRNN_OCR_API_KEY` for the client, so they are no error.
    """
    known = {name.upper() for name in Settings.model_fields}
    found: dict[str, str] = {}
    for variable in sorted(environment):
        prefix, _, name = variable.upper().partition(PREFIX)
        if name and not prefix and name not in known:
            for near in get_close_matches(name, known, 1, _NEAR):
                found[variable] = f"{PREFIX}{near}"
    return found
