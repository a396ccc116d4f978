"""What a pack's manifest says about how far its network's own figures can be trusted."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
#: A weight below zero would let a doubt raise the confidence.
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LineCalibration(BaseModel):
    """Log-odds of a whole line's being right: `bias` less the weighted logarithms of three doubts.

    `crnn_ocr.recognition.network.confidence.Evidence` defines the doubts; the weights have its fields' names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: Finite
    characters: Weight
    between: Weight
    gap: Weight


class CharacterCalibration(BaseModel):
    """Log-odds of a character's being right: `bias` less the weighted logarithm of its surprisal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: Finite
    weight: Weight


class Calibration(BaseModel):
    """Maps what a network says of itself to probabilities; fitted by `crnn-ocr train calibrate`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: LineCalibration
    character: CharacterCalibration
    ceiling: float = Field(
        default=1.0,
        gt=0.5,
        le=1.0,
        description="No confidence is higher: so much the lines fitted on can tell.",
    )
