"""Reads and validates the manifest of a model pack, `NAME/manifest.json`."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.calibration import Calibration

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"

#: Size limit of a manifest in bytes; those of the bundled packs have about 2,000.
LARGEST_MANIFEST = 1024 * 1024

#: Widths of a recogniser's input are multiples of this, in pixels. It is itself a multiple of the stride.
WIDTH_STEP = 32
#: Minimum padding on the right of every line, in pixels.
WIDTH_MARGIN = 16

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

#: Precisions of networks, as they run and as a pack brings them …
Precision = Literal["fp32", "int8"]
#: … and as they are asked for; auto: INT8 where this CPU has instructions for it.
PrecisionChoice = Literal["auto", "int8", "fp32"]


def _relative(path: str) -> str:
    """Refuse paths that could leave the folder."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise ValueError("must be a relative path inside the pack")
    return path


class PackFile(BaseModel):
    """One file of a pack.

    `path` is relative to the pack's folder or, where `package` names an installed Python distribution's
    top-level package, to that package's folder. Absolute paths and `..` are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_relative)]
    sha256: Sha256
    package: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None


class Probe(BaseModel):
    """A picture of one line that a recogniser must be able to read before it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: PackFile
    text: Annotated[str, Field(min_length=4, max_length=200)]


class Manifest(BaseModel):
    """Everything that the engine needs to use a pack, and a description for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
    title: str
    licence: str
    provenance: str
    languages: tuple[str, ...] = ()

    graph: PackFile
    charset: PackFile | None = Field(
        default=None,
        description="UTF-8 file with one character per row; without it the graph's metadata `character`.",
    )
    channels: Literal[1, 3] = 3
    mean: float = Field(default=0.5, description="Subtracted after scaling pixels to 0..1.")
    std: float = Field(default=0.5, gt=0, description="Divided by after the mean.")
    memory_per_pixel: float = Field(
        default=940.0,
        gt=0,
        description="Peak memory of a run, in bytes per pixel of its input; most of it is for activations.",
    )

    # -- recognisers only
    output: Literal["scores", "best"] = Field(
        default="scores",
        description="Outputs of the graph. scores: one output with probabilities, (N, T, classes). best: "
        "`ids` and `confidences`, (N, T) each, with the arg-max inside the graph; such a graph has a second "
        "input `lengths`, int32 (N), the width of the content in pixels.",
    )
    precision: Precision = Field(
        default="fp32",
        description="int8: the graph is in QDQ form; where float is faster, the float graph is derived.",
    )
    weight_bits: Literal[7, 8] = Field(
        default=8,
        description="Bits of an INT8 graph's weights. With 7 no sum overflows on x86 CPUs that lack "
        "dot-product instructions, so that INT8 is exact, and used, there, too.",
    )
    input_height: int = Field(default=48, ge=8, le=256, description="Pixels.")
    stretch: float = Field(
        default=1.0,
        ge=0.5,
        le=4.0,
        description="Horizontal scale of a line relative to its vertical scale: 1.5 at input height 32 makes "
        "it as wide as at height 48.",
    )
    stride: int = Field(default=8, ge=1, le=64, description="Pixels of width per time step; divides 32.")
    blank: int = Field(default=0, ge=0, description="Index of the CTC blank among the classes.")
    space: bool = Field(default=True, description="The last class is a space that the charset file omits.")
    max_width: int = Field(
        default=1280,
        ge=256,
        validate_default=True,
        description="Wider lines are read in windows; in pixels, a multiple of 32.",
    )
    condense: float = Field(default=1.0, gt=0.3, le=1.0, description="Horizontal factor for long lines.")
    condense_from: float = Field(default=6.0, ge=1.0, description="Aspect ratio that makes a line long.")
    calibration: Calibration | None = Field(
        default=None, description="Turns the network's own scores into calibrated probabilities."
    )

    second_look: bool = Field(
        default=True,
        description="With recheck = auto the model `accurate` reads again what this one is unsure of. false: "
        "never, because this model is the better one where they differ, or is meant to be fast.",
    )

    probe: Probe | None = Field(
        default=None, description="Line to read before the pack is used; without it the program draws one."
    )

    # -- detectors only
    multiple: int = Field(default=32, ge=1, description="Sides must be a multiple of this; pixels.")
    map_threshold: float = Field(
        default=0.3, gt=0, lt=1, description="Least probability of the places that form a region."
    )
    box_threshold: float = Field(
        default=0.6, gt=0, lt=1, description="Least mean probability of a region that is kept."
    )

    notes: str = ""

    @field_validator("stride")
    @classmethod
    def _divides_the_step(cls, stride: int) -> int:
        if WIDTH_STEP % stride:
            raise PydanticCustomError(
                "stride", "must be a divisor of {step}, not {stride}", {"step": WIDTH_STEP, "stride": stride}
            )
        return stride

    @field_validator("max_width")
    @classmethod
    def _holds_two_overlaps(cls, width: int, info: ValidationInfo) -> int:
        """Refuse windows that are not a multiple of the step, or that overlap by more than half."""
        if width % WIDTH_STEP:
            near = width // WIDTH_STEP * WIDTH_STEP
            raise PydanticCustomError(
                "max_width",
                "must be a multiple of {step}, such as {near} or {next}, not {width}",
                {"step": WIDTH_STEP, "near": near, "next": near + WIDTH_STEP, "width": width},
            )
        if not {"input_height", "stretch", "stride"} <= info.data.keys():
            return width  # one of them has been refused already
        shared = window_overlap(info.data["input_height"], info.data["stretch"])
        least = WIDTH_MARGIN + 2 * (shared + info.data["stride"])
        least = -(-least // WIDTH_STEP) * WIDTH_STEP
        if width < least:
            raise PydanticCustomError(
                "max_width",
                "must be at least {least} at this input_height, stretch and stride, not {width}: windows "
                "overlap by {shared} pixels",
                {"least": least, "width": width, "shared": shared},
            )
        return width

    @property
    def id(self) -> str:
        """Name and version, as answers name the model."""
        return f"{self.name}/{self.version}"


def window_overlap(height: int, stretch: float) -> int:
    """Return how many pixels neighbouring windows of a long line share: twice a line's height, stretched."""
    return round(2 * height * stretch)


def read_manifest(path: Path) -> Manifest:
    """Read and validate a manifest.

    Raises:
        ModelBrokenError: The file is missing, too large, not JSON, or a field is wrong; the message names it.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_MANIFEST + 1)
        if len(data) > LARGEST_MANIFEST:
            raise ModelBrokenError(f"{path} has more than {LARGEST_MANIFEST} bytes, too many for a manifest")
        return Manifest.model_validate(json.loads(data.decode()))
    except RecursionError:
        raise ModelBrokenError(f"{path} is nested too deeply") from None
    except OSError as error:
        raise ModelBrokenError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ModelBrokenError(
                f"{path}: field {place!r}: {first['msg']}",
                hint="Correct the manifest or get an intact pack; docs/models.md describes the fields.",
            ) from None
        raise ModelBrokenError(f"{path} is not valid JSON") from error
