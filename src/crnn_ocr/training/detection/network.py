"""The detector's network: plain 3×3 convolutions with ReLU, a feature pyramid, one map of text.

Plain convolutions are what INT8 makes fast on CPUs; the depthwise networks of the field get slower by it
(`docs/notes/training-diary.md`). The normalisation folds into the convolutions at export.

Shapes: N pictures of H×W pixels (multiples of 32), three BGR channels. The map stands for the *shrunken* core
of every line, as in DB, at half the picture's resolution: its four sub-pixels per quarter-resolution cell are
channels that are interleaved at the end, which costs next to nothing and keeps close lines apart.

References: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (2020) for the
shrunken core; Lin et al., "Feature Pyramid Networks for Object Detection" (2017) for the pyramid.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.nets.crnn import ConvUnit, ResidualPair

#: Height and width of a picture are multiples of this.
MULTIPLE = 32
#: Picture pixels per map pixel.
MAP_STRIDE = 2
#: Probability of text that the network starts from: most of a page is paper.
PRIOR = 0.1


@dataclass(frozen=True)
class DetectorConfig:
    """The shape of a network.

    Attributes:
        stem: Channels after the first convolution, at half resolution.
        widths: Channels at a quarter, an eighth, a sixteenth and a thirty-second.
        depths: Residual pairs of each of these stages.
        pyramid: Channels of the pyramid.
        head: Channels before the map.
    """

    stem: int = 16
    widths: tuple[int, int, int, int] = (24, 48, 96, 128)
    depths: tuple[int, int, int, int] = (0, 2, 2, 2)
    pyramid: int = 48
    head: int = 24

    def __post_init__(self) -> None:
        """Refuse shapes that the layers cannot have."""
        if len(self.widths) != 4 or len(self.depths) != 4:
            raise TrainingError("A detector has four stages: a width and a depth of each.")
        if min(self.stem, *self.widths, self.pyramid, self.head) < 1 or min(self.depths) < 0:
            raise TrainingError("Every width of a detector is at least 1, every depth at least 0.")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {"kind": "detector", **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DetectorConfig:
        """Build a configuration from `to_dict`'s answer.

        Raises:
            TrainingError: It belongs to another kind of network, a field is unknown or a value impossible.
        """
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        if fields.pop("kind", None) != "detector":
            raise TrainingError("This is not the state of a detector.")
        try:
            return cls(**fields)
        except TypeError as error:
            raise TrainingError(f"This is not the configuration of a detector: {error}.") from error


class DetectorNet(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """Stages that halve the resolution, a pyramid that adds them up again, a head."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = ConvUnit(3, config.stem, stride=(2, 2))
        channels = config.stem
        stages = []
        for width, depth in zip(config.widths, config.depths, strict=True):
            units = [ConvUnit(channels, width, stride=(2, 2)), *(ResidualPair(width) for _ in range(depth))]
            stages.append(nn.Sequential(*units))
            channels = width
        self.stages = nn.ModuleList(stages)
        self.laterals = nn.ModuleList(
            ConvUnit(width, config.pyramid, kernel=(1, 1), padding=(0, 0), relu=False)
            for width in config.widths
        )
        self.smooth = nn.ModuleList(ConvUnit(config.pyramid, config.pyramid) for _ in config.widths[1:])
        self.head = ConvUnit(config.pyramid, config.head)
        self.map = nn.Conv2d(config.head, MAP_STRIDE**2, 1)
        nn.init.constant_(self.map.bias, -float(torch.logit(torch.tensor(1 - PRIOR))))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return float (N, 1, H/2, W/2), the logits of text, of uint8 or float (N, H, W, 3) BGR, 0 to 255."""
        x = pictures.permute(0, 3, 1, 2).to(torch.float32).div(127.5).sub(1.0)
        return self.logits(x.contiguous(memory_format=torch.channels_last))

    def logits(self, x: Tensor) -> Tensor:
        """Return float (N, 1, H/2, W/2) of float (N, 3, H, W), -1 to 1."""
        x = self.stem(x)
        levels = []
        for stage, lateral in zip(self.stages, self.laterals, strict=True):
            x = stage(x)
            levels.append(lateral(x))
        top = self.smooth[-1](torch.relu(levels[-1]))
        for level in (2, 1):
            top = self.smooth[level - 1](torch.relu(levels[level] + _doubled(top)))
        top = self.head(torch.relu(levels[0] + _doubled(top)))
        logits: Tensor = nn.functional.pixel_shuffle(self.map(top), MAP_STRIDE)
        return logits


def _doubled(x: Tensor) -> Tensor:
    """Return a map of twice the height and width."""
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
