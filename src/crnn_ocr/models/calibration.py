"""Models the part of a pack's manifest that turns a network's own scores into probabilities."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
#: A weight below zero would let a doubt raise the confidence.
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LineCalibration(BaseModel):
    """Log-odds that a whole line is right: `bias` minus the weighted logarithms of three doubts.

    `crnn_ocr.recognition.network.confidence.Evidence` defines the doubts; weights have its fields' names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: Finite
    characters: Weight
    between: Weight
    gap: Weight


class CharacterCalibration(BaseModel):
    """Log-odds that a character is right: `bias` minus the weighted logarithm of its surprisal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: Finite
    weight: Weight


class Calibration(BaseModel):
    """Map from a network's own scores to probabilities; `crnn-ocr train calibrate` fits it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: LineCalibration
    character: CharacterCalibration
    ceiling: float = Field(
        default=1.0,
        gt=0.5,
        le=1.0,
        description="Highest confidence that is ever given: the lines of the fit support no higher one.",
    )
