"""The CRNN: plain 3×3 convolutions, a bidirectional LSTM and a linear CTC head.

Everything before the LSTM is convolution + batch normalisation + ReLU, because that is what static INT8
makes fast on CPUs (depthwise convolutions and smooth activations lose by it; the measurements are in
`docs/notes/training-diary.md`). The normalisation folds into the convolutions at export.

Shapes: N lines, H×W pixels of three BGR channels, T = W / stride time steps, C classes (0 is the CTC blank).
A line's content is followed by padding: mid grey, which normalises to zero.

References: Shi, Bai & Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition"
(2015) for the architecture; Graves et al. (2006) for CTC.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crnn_ocr.errors import TrainingError


@dataclass(frozen=True)
class NetConfig:
    """The shape of a network.

    Attributes:
        classes: Size of the CTC output, blank included.
        height: Pixels of a line, a multiple of 16.
        stem: Channels after the first convolution (half resolution).
        widths: Channels of the three stages; stage i halves the height.
        depths: Convolutions of each stage, odd: the strided first one and residual pairs.
        stride: Pixels per time step, 4 or 8.
        neck: Channels after the height is folded away.
        hidden: LSTM units per direction.
        embed: Numbers per step that the head reads.
        dropout: Probability of dropping an LSTM output while training.
    """

    classes: int
    height: int = 48
    stem: int = 32
    widths: tuple[int, int, int] = (64, 128, 256)
    depths: tuple[int, int, int] = (3, 5, 5)
    stride: int = 8
    neck: int = 256
    hidden: int = 128
    embed: int = 128
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse shapes that the layers cannot have."""
        if self.height < 16 or self.height % 16:
            raise TrainingError(f"The height must be a multiple of 16 pixels, not {self.height}.")
        if self.stride not in (4, 8):
            raise TrainingError(f"The horizontal stride must be 4 or 8 pixels, not {self.stride}.")
        if any(depth % 2 == 0 for depth in self.depths):
            raise TrainingError(f"Every depth must be odd (one convolution, then pairs), not {self.depths}.")
        sizes = (self.stem, *self.widths, *self.depths, self.neck, self.hidden, self.embed)
        if min(sizes) < 1 or len(self.widths) != 3 or len(self.depths) != 3:
            raise TrainingError("Every width and depth must be at least 1, with three stages.")
        if self.classes < 2:
            raise TrainingError("The network needs the blank and at least one character.")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetConfig:
        """Build a configuration from `to_dict`'s answer.

        Raises:
            TrainingError: A field is unknown or its value impossible.
        """
        try:
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**fields)
        except TypeError as error:
            raise TrainingError(f"This is not the configuration of a network: {error}.") from error

    def steps(self, widths: Tensor) -> Tensor:
        """Return how many time steps are read for contents of `widths` pixels.

        One more than the content covers: the last character may be noticed just behind its right edge.
        """
        return torch.div(widths + self.stride - 1, self.stride, rounding_mode="floor") + 1


class ConvUnit(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """3×3 (or given) convolution, batch normalisation and, unless told otherwise, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: tuple[int, int] = (3, 3),
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (1, 1),
        relu: bool = True,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.relu = relu
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h', w')."""
        y: Tensor = self.norm(self.conv(x))
        return torch.relu_(y) if self.relu else y


class ResidualPair(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """Two 3×3 convolutions beside an identity, as in He et al. (2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvUnit(channels, channels)
        self.second = ConvUnit(channels, channels, relu=False)
        nn.init.constant_(self.second.norm.weight, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, channels, h, w)."""
        return torch.relu_(self.second(self.first(x)) + x)


class Crnn(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """Convolutions, bidirectional LSTM, embedding, CTC head.

    `forward` gives the embedding; `head` turns it into logits, so that training can ask for a few classes
    only (see `losses`).
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.features = nn.Sequential(*_units(config))
        self.rnn = nn.LSTM(config.neck, config.hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        # The skip past the LSTM lets the convolutions be trained from the first step on.
        self.embed = nn.Linear(2 * config.hidden + config.neck, config.embed)
        self.head = nn.Linear(config.embed, config.classes)
        nn.init.normal_(self.head.weight, std=config.embed**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """Embed a batch of lines.

        Args:
            images: uint8 or float (N, H, W, 3) BGR, 0 to 255, W a multiple of the stride.
            widths: int64 (N,) pixels of content, at least 1; what stands in the columns beyond is ignored.
                On the CPU, wherever the pictures are: a card would have to be waited for.

        Returns:
            float (N, T, embed); rows beyond `config.steps(widths)` mean nothing.
        """
        x = normalise(images, widths).contiguous(memory_format=torch.channels_last)
        x = self.features(x).squeeze(2).transpose(1, 2)
        y = recur(self.rnn, x, self.config.steps(widths))
        embedded: Tensor = self.embed(torch.cat([self.dropout(y), x], dim=2))
        return embedded

    def logits(self, images: Tensor, widths: Tensor) -> Tensor:
        """Return float (N, T, C) scores of all classes."""
        scores: Tensor = self.head(self.forward(images, widths))
        return scores


def normalise(images: Tensor, widths: Tensor) -> Tensor:
    """Turn (N, H, W, 3) of 0..255 into channels-first float of -1..1, zero beyond each line's width."""
    x = images.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)
    there = widths.to(images.device, non_blocking=True)
    inside = torch.arange(images.shape[2], device=images.device) < there[:, None]
    return x.mul_(inside[:, None, None, :])


def recur(rnn: nn.LSTM, x: Tensor, steps: Tensor) -> Tensor:
    """Run a bidirectional LSTM over lines of different lengths.

    Args:
        rnn: The LSTM, batch first.
        x: float (N, T, C).
        steps: int64 (N,) time steps of every line, at least 1.

    Returns:
        float (N, T, 2 × units); zero beyond each line's steps.
    """
    lengths, order = steps.cpu().clamp(max=x.shape[1]).sort(descending=True, stable=True)
    # Sorted here, because PyTorch would ask the card for the order.
    there, back = (places.to(x.device, non_blocking=True) for places in (order, order.argsort()))
    # Under autocast cuDNN's LSTM may compute in half precision, whatever type was asked for, and gradients
    # per character, 1e-5 and less, get lost in that. A fortieth of the arithmetic is the LSTM's.
    whole = torch.autocast("cuda", enabled=False) if x.is_cuda else contextlib.nullcontext()
    with whole:
        given = x.float() if x.is_cuda else x
        packed = nn.utils.rnn.pack_padded_sequence(given.index_select(0, there), lengths, batch_first=True)
        packed_out, _ = rnn(packed)
        y, _ = nn.utils.rnn.pad_packed_sequence(packed_out, batch_first=True, total_length=x.shape[1])
        read: Tensor = y.index_select(0, back)
    return read


def _units(config: NetConfig) -> list[nn.Module]:
    units: list[nn.Module] = [ConvUnit(3, config.stem, stride=(2, 2))]
    channels = config.stem
    horizontal = (2, 2, 1) if config.stride == 8 else (2, 1, 1)
    for width, depth, step in zip(config.widths, config.depths, horizontal, strict=True):
        units.append(ConvUnit(channels, width, stride=(2, step)))
        units.extend(ResidualPair(width) for _ in range(depth // 2))
        channels = width
    fold = config.height // 16
    units.append(ConvUnit(channels, config.neck, kernel=(fold, 1), padding=(0, 0)))
    return units
