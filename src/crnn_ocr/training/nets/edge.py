"""The edge network: a MobileNetV3-LSTM for small devices, in plain float arithmetic.

Inverted residuals (Sandler et al., 2018) with hard-swish in the deep stages (Howard et al., 2019), a small
bidirectional LSTM, an embedding, and a CTC head behind a *gate*:

    pixels ─ convolutions ─┬───────────┬─ embedding (80) ─► head: which character, if any
                           └─ BiLSTM ──┴─ gate (1) ───────► blank, or a character?

P(blank) = σ(gate) and P(c) = (1 - σ(gate)) · softmax(head)(c): the factorised posterior of transducers
(Variani et al., 2020). Where the gate says more than one half, the blank has won whatever the head would
answer, so the exported graph (`edge_export`) asks the head only about the other steps, a quarter to a half of
them. The head costs as much as all convolutions together, and this halves it without changing an answer.

Squeeze-and-excitation is left out: at one line per run it costs a tenth of the time, and it makes every step
depend on how far the line was padded.

The input is 32 pixels high, but as wide as a line of height 48 (`stretch`): a step stays 8 pixels, so
teachers of height 48 can be followed step by step, and narrow letters do not share steps.
`docs/notes/training-diary.md` has the measurements.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.nets.crnn import ConvUnit, normalise, recur
from crnn_ocr.training.nets.losses import gated_shares


@dataclass(frozen=True)
class EdgeConfig:
    """The shape of a network.

    Attributes:
        classes: Size of the CTC output, blank included.
        height: Pixels of a line, a multiple of 16.
        stretch: Horizontal scale of a line relative to its vertical one.
        stem: Channels after the first convolution (half resolution).
        widths: Channels of the three stages; each halves the height, the first two the width.
        depths: Inverted residuals of each stage.
        expand: Factor of channels inside a stage's inverted residuals.
        kernels: Side of a stage's depthwise kernels.
        neck: Channels after the height is folded away.
        hidden: LSTM units per direction.
        embed: Numbers per step that the head reads; those of the teacher, to start from its head.
        dropout: Probability of dropping an LSTM output while training.
        stride: Pixels per time step.
    """

    classes: int
    height: int = 32
    stretch: float = 1.5
    stem: int = 16
    widths: tuple[int, int, int] = (32, 64, 96)
    depths: tuple[int, int, int] = (2, 3, 3)
    expand: tuple[int, int, int] = (2, 3, 4)
    kernels: tuple[int, int, int] = (3, 5, 5)
    neck: int = 192
    hidden: int = 64
    embed: int = 80
    dropout: float = 0.1
    stride: ClassVar[int] = 8

    def __post_init__(self) -> None:
        """Refuse shapes that the layers cannot have."""
        stages = (self.widths, self.depths, self.expand, self.kernels)
        if any(len(stage) != 3 for stage in stages):
            raise TrainingError("The edge network has three stages: widths, depths, expand, kernels.")
        sizes = (self.stem, self.neck, self.hidden, self.embed, *(n for stage in stages for n in stage))
        if min(sizes) < 1 or any(kernel % 2 == 0 for kernel in self.kernels):
            raise TrainingError("Widths, depths and factors must be at least 1, kernels odd.")
        if self.height < 16 or self.height % 16:
            raise TrainingError(f"The height must be a multiple of 16 pixels, not {self.height}.")
        if not 1.0 <= self.stretch <= 4.0:
            raise TrainingError(f"The horizontal stretch must be between 1 and 4, not {self.stretch}.")
        if self.classes < 2:
            raise TrainingError("The network needs the blank and at least one character.")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {"kind": "edge", **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EdgeConfig:
        """Build a configuration from `to_dict`'s answer.

        Raises:
            TrainingError: A field is unknown or missing, or its value impossible.
        """
        fields: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "kind"
        }
        try:
            return cls(**fields)
        except TypeError as error:
            raise TrainingError(f"This is not the configuration of a network: {error}.") from error

    def steps(self, widths: Tensor) -> Tensor:
        """Return how many time steps are read for contents of `widths` pixels (see `NetConfig.steps`)."""
        return torch.div(widths + self.stride - 1, self.stride, rounding_mode="floor") + 1


class InvertedResidual(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """1×1 expansion, depthwise k×k, 1×1 projection without activation; a skip where the shape stays.

    Attributes:
        swish: Hard-swish instead of ReLU: `Conv` with ReLU is one operator to ONNX Runtime, hard-swish is an
            extra pass over the activations, so only the small, deep ones get it.
    """

    def __init__(
        self, inputs: int, outputs: int, *, expand: int, kernel: int, stride: tuple[int, int], swish: bool
    ) -> None:
        super().__init__()
        inner, pad = inputs * expand, kernel // 2
        self.swish = swish
        self.skip = stride == (1, 1) and inputs == outputs
        self.expand = ConvUnit(inputs, inner, kernel=(1, 1), padding=(0, 0), relu=not swish)
        self.depthwise = ConvUnit(
            inner,
            inner,
            kernel=(kernel, kernel),
            stride=stride,
            padding=(pad, pad),
            relu=not swish,
            groups=inner,
        )
        self.project = ConvUnit(inner, outputs, kernel=(1, 1), padding=(0, 0), relu=False)
        if self.skip:
            nn.init.constant_(self.project.norm.weight, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h', w')."""
        y = self.project(self._active(self.depthwise(self._active(self.expand(x)))))
        return y + x if self.skip else y

    def _active(self, x: Tensor) -> Tensor:
        return functional.hardswish(x) if self.swish else x


class EdgeCrnn(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """Inverted residuals, bidirectional LSTM, embedding and gate, CTC head; the interface of `crnn.Crnn`.

    The head's row 0 (the blank's) is not used: the gate stands for it.
    """

    def __init__(self, config: EdgeConfig) -> None:
        super().__init__()
        self.config = config
        self.features = nn.Sequential(*_units(config))
        self.rnn = nn.LSTM(config.neck, config.hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        read = 2 * config.hidden + config.neck
        self.embed = nn.Linear(read, config.embed)
        self.gate = nn.Linear(read, 1)
        self.head = nn.Linear(config.embed, config.classes)
        nn.init.normal_(self.head.weight, std=config.embed**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """Embed a batch of lines.

        Args:
            images: uint8 or float (N, H, W, 3) BGR, 0 to 255, W a multiple of 8.
            widths: int64 (N,) pixels of content, at least 1; what stands in the columns beyond is ignored.

        Returns:
            float (N, T, embed + 1), the gate last; rows beyond `config.steps(widths)` mean nothing.
        """
        x = normalise(images, widths).contiguous(memory_format=torch.channels_last)
        x = self.features(x).squeeze(2).transpose(1, 2)
        y = recur(self.rnn, x, self.config.steps(widths))
        read = torch.cat([self.dropout(y), x], dim=2)
        return torch.cat([self.embed(read), self.gate(read)], dim=2)

    def logits(self, images: Tensor, widths: Tensor) -> Tensor:
        """Return float (N, T, C) logarithms of the shares of all classes."""
        embedded = self.forward(images, widths).float()
        return gated_shares(self.head(embedded[:, :, :-1]), embedded[:, :, -1:])


def _units(config: EdgeConfig) -> list[nn.Module]:
    units: list[nn.Module] = [ConvUnit(3, config.stem, stride=(2, 2))]
    channels = config.stem
    stages = zip(config.widths, config.depths, config.expand, config.kernels, strict=True)
    for stage, (width, depth, expand, kernel) in enumerate(stages):
        for block in range(depth):
            down = (2, 2 if stage < 2 else 1) if block == 0 else (1, 1)
            units.append(
                InvertedResidual(channels, width, expand=expand, kernel=kernel, stride=down, swish=stage > 0)
            )
            channels = width
    units.append(ConvUnit(channels, config.neck, kernel=(config.height // 16, 1), padding=(0, 0)))
    return units
