"""Defines and validates the settings of an installation, which are `CRNN_OCR_*` environment variables.

The defaults suit a container with 2 cores and 512 MiB. `docs/settings.md` is generated from this module.
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
from crnn_ocr.models.manifest import PrecisionChoice

MIB = 1024 * 1024
PREFIX = "CRNN_OCR_"
#: Least similarity of a variable to a setting's name that counts as a misspelling; 1 is equality.
_NEAR = 0.7


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


#: A list in one variable; entries are separated by commas or white space.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """The settings of an installation; `load_settings` reads them and raises readable errors."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    # -- models
    model: str = Field(default="crnn-zh-en", description="Name of the default recogniser pack.")
    detector: str = Field(default="ppocrv6-det-small", description="Name of the detector pack.")
    models_dir: Path | None = Field(
        default=None,
        description="Folder with additional model packs; `~/.local/share/crnn-ocr/models` (XDG) when empty.",
    )
    cache_dir: Path | None = Field(
        default=None,
        description="Folder for prepared model graphs; the user's cache folder when empty.",
    )

    named_models: int = Field(
        default=2,
        ge=1,
        le=64,
        description="How many recognisers named by requests are kept loaded, beside the active one and that "
        "of the second look; the least recently used one is unloaded first.",
    )
    unload_after_s: float = Field(
        default=0.0,
        ge=0,
        description="Unload models that have not been used for that many seconds; the next request loads "
        "them again. 0: never.",
    )
    verify_models: bool = Field(
        default=False,
        description="Refuse to start if the files of the recogniser or detector do not match the manifest. "
        "Otherwise the service starts, and becomes ready when the files have been repaired.",
    )

    replacements: Path | None = Field(
        default=None,
        description="TSV file with replacements for strings in the recognised text; none when empty.",
    )

    # -- computing
    precision: PrecisionChoice = Field(
        default="auto",
        description="Arithmetic of models with an INT8 graph. auto: INT8 on CPUs with dot-product "
        "instructions (VNNI, ARM dotprod) and for packs whose weights have 7 bits, otherwise FP32. Others "
        "are not affected.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Number of cores to use, shared evenly by the worker processes; 0: as many as affinity "
        "and cgroup quota allow.",
    )

    # -- limits of one input, checked from the header before pixels are decoded
    max_image_bytes: int = Field(
        default=20 * MIB, ge=1024, description="Largest encoded picture or PDF, in bytes."
    )
    max_pixels: int = Field(
        default=50_000_000,
        ge=10_000,
        description="Largest picture, in pixels (width × height). Formats that need more than 6 bytes per "
        "pixel to decode, such as transparent PNG, TIFF in colour or lossless WebP, may have fewer.",
    )
    max_side: int = Field(default=40_000, ge=256, description="Longest side of a picture, in pixels.")
    max_pages: int = Field(
        default=50, ge=1, description="Maximum number of pages of one file that are read as pictures."
    )
    max_text_pages: int = Field(
        default=2_000,
        ge=1,
        description="Maximum number of pages of one PDF, if the text that they hold may be taken, and of "
        "files in a ZIP archive.",
    )
    pdf_dpi: int = Field(default=200, ge=72, le=600, description="Resolution at which PDF pages are drawn.")

    # -- service
    host: str = Field(default="127.0.0.1", description="Address that `crnn-ocr serve` listens on.")
    port: int = Field(
        default=5000, ge=0, le=65535, description="Port that `crnn-ocr serve` listens on; 0: any free one."
    )
    warm_up: bool = Field(
        default=True,
        description="Load the models in the background as soon as a worker starts. Otherwise the first "
        "request loads them, and the service counts as ready before that.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Number of Gunicorn worker processes.")
    worker_threads: int = Field(
        default=64,
        ge=1,
        le=256,
        description="Requests with pictures that each worker process handles at a time, including those "
        "that are being sent or wait; at most 32 pictures are read at once. Additional threads answer "
        "probes, pages and refusals.",
    )
    max_requests: int = Field(
        default=0,
        ge=0,
        description="Number of requests after which a worker process is replaced, or up to a tenth more. It "
        "is only a safety net: memory does not grow with requests. 0: never.",
    )
    graceful_timeout_s: float = Field(
        default=60.0,
        gt=0,
        description="How long a service that has been told to stop waits for requests in flight, in seconds.",
    )
    max_body_bytes: int = Field(
        default=32 * MIB,
        ge=1024,
        description="Largest request body, in bytes; base64 makes a picture a third larger.",
    )

    # -- service: load limits
    queue_seconds: float = Field(
        default=8.0,
        gt=0,
        le=3600,
        description="Amount of work that is accepted, in seconds that all cores need for it. Requests beyond "
        "it are answered with 503 and `Retry-After`.",
    )
    max_bytes_in_flight: int = Field(
        default=64 * MIB,
        ge=1024,
        description="Bytes of all request bodies, and of the pictures fetched for them, that the service "
        "holds at a time; a single one is always accepted, several of one client get three quarters.",
    )
    request_timeout_s: float = Field(
        default=120.0,
        gt=0,
        le=3600,
        description="Longest time from the complete request to its answer, in seconds. A request may ask for "
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
        description="POST requests per minute that each API key may send, or each address if there are no "
        "keys. 0: no limit.",
    )
    rate_limit_burst: int = Field(
        default=0,
        ge=0,
        description="Requests that may come at once after a pause; 0: as many as in one minute.",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Number of proxies in front of the service whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are trusted; 0: those headers are ignored.",
    )

    # -- service: access
    api_keys: Words = Field(
        default=(),
        description="Names and SHA-256 hashes of the API keys, as `NAME:HASH`; none when empty.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="File with more API keys, one `NAME:HASH` per row; `#` starts a comment."
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Listen on addresses that other machines can reach even though there are no API keys.",
    )
    cors_origins: Words = Field(
        default=(),
        description="Origins whose pages may use the API, such as `https://app.example.com`; none when "
        "empty.",
    )

    # -- service: pictures named by URL
    fetch_urls: bool = Field(
        default=False, description='Fetch pictures for requests with `"image_url"` instead of `"image"`.'
    )
    fetch_hosts: Words = Field(
        default=(),
        description="Hosts to fetch from: `HOST`, `HOST:PORT`, or `.DOMAIN` for all of its subdomains; every "
        "public host when empty.",
    )
    fetch_networks: Words = Field(
        default=(),
        description="Private networks to fetch from, such as `10.1.2.0/24`.",
    )
    fetch_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="Longest time that fetching one picture may take, in seconds."
    )

    # -- service: the cache of answers
    cache_bytes: int = Field(
        default=16 * MIB,
        ge=0,
        le=1024 * MIB,
        description="Memory of each worker process for cached answers, in bytes; 0: no cache.",
    )
    cache_ttl_s: float = Field(
        default=3600.0,
        ge=1,
        description="Time to live of a cached answer, in seconds, in memory and in Redis.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis in which workers and machines share cached answers, such as "
        "`redis://localhost:6379/0` (extra `redis`); none when empty.",
    )
    batch_max_items: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Maximum number of pictures in one request to `POST /ocr/batch`.",
    )

    # -- jobs
    jobs: Literal["embedded", "celery", "off"] = Field(
        default="embedded",
        description="Where jobs run (`POST /jobs`). embedded: in the workers of the service, with their "
        "table in a file. celery: in `crnn-ocr worker` on any number of machines, with their table in Redis "
        "(extra `celery`). off: no jobs.",
    )
    jobs_dir: Path | None = Field(
        default=None,
        description="Folder with the files of jobs, and with their table where they run embedded; "
        "`~/.local/state/crnn-ocr/jobs` (XDG) when empty. With Celery, all machines must share it.",
    )
    jobs_files_url: SecretStr | None = Field(
        default=None,
        description="S3-compatible bucket for the files of jobs instead of the folder, such as "
        "`s3://BUCKET/PREFIX` (extra `s3`); none when empty.",
    )
    jobs_redis_url: SecretStr | None = Field(
        default=None,
        description="Redis with the table of jobs where they run with Celery; `CRNN_OCR_REDIS_URL` when "
        "empty.",
    )
    jobs_broker_url: SecretStr | None = Field(
        default=None,
        description="Broker of Celery, such as `amqp://rabbitmq:5672//`; the Redis of the table when empty.",
    )
    jobs_task_timeout_s: float = Field(
        default=1200.0,
        ge=60,
        le=86_400,
        description="Longest time that a task of a job may take in `crnn-ocr worker`, in seconds: reading up "
        "to eight pages, or writing all formats of a job. Then it is tried again in a process of its own, "
        "where a page, wherever jobs run, has a quarter of that time, twice. RabbitMQ gives up on a worker "
        "after half an hour by default (`consumer_timeout`).",
    )
    jobs_per_key: int = Field(
        default=100, ge=1, le=100_000, description="Unfinished jobs that each API key may have."
    )
    jobs_max_file_bytes: int = Field(
        default=256 * MIB, ge=1024, description="Largest file of a job, in bytes."
    )
    jobs_max_files: int = Field(default=500, ge=1, le=10_000, description="Maximum number of files of a job.")
    jobs_max_pages: int = Field(
        default=5_000, ge=1, le=100_000, description="Maximum number of pages of one file of a job."
    )
    jobs_quota_bytes: int = Field(
        default=4096 * MIB, ge=MIB, description="Space for the files of all jobs, in bytes."
    )
    jobs_max_result_bytes: int = Field(
        default=256 * MIB, ge=1024, description="Largest result of a job in one format, in bytes."
    )
    jobs_ttl_s: float = Field(
        default=86_400.0,
        ge=60,
        le=90 * 86_400,
        description="How long the files of a finished job are kept, in seconds, unless it asks for less.",
    )
    jobs_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret that signs webhooks (Standard Webhooks: `whsec_` and base64); without one, jobs "
        "with a webhook are refused. While it is changed, the new and the old one, separated by a blank.",
    )
    jobs_webhook_hosts: Words = Field(
        default=(),
        description="Hosts that webhooks may go to: `HOST`, `HOST:PORT` or `.DOMAIN`; every public host when "
        "empty.",
    )
    jobs_webhook_networks: Words = Field(
        default=(),
        description="Networks that are not public and that webhooks may go to nevertheless, such as "
        "`10.1.0.0/16`.",
    )

    # -- observing
    metrics: bool = Field(
        default=True, description="Collect metrics, and serve them to Prometheus at `GET /metrics`."
    )

    # -- logging
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Format of the log lines.")

    @property
    def limits(self) -> Limits:
        """The limits of an input picture or document."""
        return Limits(
            max_bytes=self.max_image_bytes,
            max_pixels=self.max_pixels,
            max_side=self.max_side,
            max_pages=self.max_pages,
            max_text_pages=self.max_text_pages,
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
    """Return the variables that look like misspelt settings, each with the setting that was probably meant.

    They are not treated as errors: another program may use them, such as `CRNN_OCR_API_KEY` of the client.
    """
    known = {name.upper() for name in Settings.model_fields}
    found: dict[str, str] = {}
    for variable in sorted(environment):
        prefix, _, name = variable.upper().partition(PREFIX)
        if name and not prefix and name not in known:
            for near in get_close_matches(name, known, 1, _NEAR):
                found[variable] = f"{PREFIX}{near}"
    return found
