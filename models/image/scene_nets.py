"""The networks of the scene model: a small UNet that paints backdrops at 32 pixels, and two learned enlargers.

The UNet is told what stands where by a drawn layout map, and what it is made of by one embedding an attribute. The
embeddings are used twice: summed for the whole picture, and laid onto their own part of the layout (the surface's on
the floor, the podium's on the podium), which binds colours to parts after minutes of training instead of hours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

LAYOUT_CHANNELS = 4  # floor, back, podium top, podium side
PARTS: tuple[tuple[str, ...], ...] = (  # attributes that colour each layout channel
    ("surface", "surface_colour", "light", "side"),
    ("back", "back_colour", "light", "side", "accent"),
    ("podium", "podium_colour", "light", "side"),
    ("podium", "podium_colour", "light", "side"),
)
MIN_TIME = 0.05  # below it the step from clean picture to velocity would amplify errors


class Residual(nn.Module):
    """Two convolutions, scaled and shifted by the condition."""

    def __init__(self, n_in: int, n_out: int, n_condition: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, n_out), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        self.condition = nn.Linear(n_condition, 2 * n_out)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.norm2(self.conv1(F.silu(self.norm1(x))))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = self.skip(x) + self.conv2(F.silu(y * (1 + scale) + shift))
        return out


class Attention(nn.Module):
    """Every place looks at every other."""

    def __init__(self, n: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.qkv, self.out = nn.GroupNorm(8, n), nn.Conv2d(n, 3 * n, 1), nn.Conv2d(n, n, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).transpose(-1, -2).unbind(1)
        match = torch.softmax((q @ k.transpose(-1, -2)).float() * (c // self.heads) ** -0.5, dim=-1)
        y = (match.to(v.dtype) @ v).transpose(-1, -2).reshape(b, c, h, w)  # the fused one trains slower on a CPU
        out: Tensor = x + self.out(y)
        return out


class Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, n_condition: int, attends: bool) -> None:
        super().__init__()
        self.residual = Residual(n_in, n_out, n_condition)
        self.attention = Attention(n_out) if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        out: Tensor = self.attention(self.residual(x, condition))
        return out


class SceneUNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Predicts the clean picture from a noisy one.

    Args:
        attributes: names of the attributes, in the order of the index tensor.
        n_values: how many values each attribute has; index n_values[i] means "not given".
        stem, middle, deep: channels at full, half and quarter size.
        blocks: residual blocks at half and quarter size on the way down; one more on the way up.
        n_condition: length of the condition vector.
        n_part: channels of the map that lays attributes on their parts of the picture.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        attributes: Sequence[str] = (),
        n_values: Sequence[int] = (),
        stem: int = 32,
        middle: int = 80,
        deep: int = 144,
        blocks: int = 2,
        n_condition: int = 192,
        n_part: int = 24,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names = tuple(attributes)
        self.embed = nn.ModuleList([nn.Embedding(n + 1, n_condition) for n in n_values])
        for table in self.embed:
            nn.init.normal_(table.weight, std=0.3)  # type: ignore[arg-type]
        self.time = nn.Sequential(nn.Linear(64, n_condition), nn.SiLU(), nn.Linear(n_condition, n_condition))
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(n_condition, n_condition), nn.SiLU())
        self.parts = nn.ModuleList([nn.Sequential(nn.SiLU(), nn.Linear(n_condition, n_part)) for _ in PARTS])
        c = n_condition
        self.enter = nn.Conv2d(3 + LAYOUT_CHANNELS + n_part, stem, 3, padding=1)
        self.down1 = nn.Conv2d(stem, middle, 3, stride=2, padding=1)
        self.first = nn.ModuleList([Block(middle, middle, c, False) for _ in range(blocks)])
        self.down2 = nn.Conv2d(middle, deep, 3, stride=2, padding=1)
        self.second = nn.ModuleList([Block(deep, deep, c, True) for _ in range(blocks)])
        self.centre = nn.ModuleList([Block(deep, deep, c, True), Block(deep, deep, c, False)])
        self.third = nn.ModuleList([Block(2 * deep, deep, c, True) for _ in range(blocks + 1)])
        self.up1 = nn.Conv2d(deep, middle, 3, padding=1)
        self.fourth = nn.ModuleList([Block(2 * middle, middle, c, False) for _ in range(blocks + 1)])
        self.up2 = nn.Conv2d(middle, stem, 3, padding=1)
        self.last = Residual(2 * stem, stem, c)
        self.leave = nn.Sequential(nn.GroupNorm(8, stem), nn.SiLU(), nn.Conv2d(stem, 3, 3, padding=1))
        nn.init.zeros_(self.leave[2].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.leave[2].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, time: Tensor, values: Tensor, layout: Tensor) -> Tensor:
        """The clean picture.

        Args:
            x: (B, 3, H, W) noisy picture, clean range -1 to 1; H and W multiples of 4.
            time: (B,) 0 clean to 1 noise.
            values: (B, attributes) long, index of each attribute's value, n_values[i] where it is not given.
            layout: (B, 4, H, W) parts of each pixel, 0 to 1.

        Returns:
            (B, 3, H, W).
        """
        embedded = {
            name: table(values[:, i]) for i, (name, table) in enumerate(zip(self.names, self.embed, strict=True))
        }
        frequencies = torch.exp(torch.linspace(0, math.log(1000.0), 32, device=x.device))
        angle = time[:, None] * frequencies * 2 * math.pi
        condition = self.mix(
            self.time(torch.cat([angle.sin(), angle.cos()], dim=1)) + torch.stack(list(embedded.values())).sum(0)
        )
        painted = torch.zeros((), device=x.device)
        for i, (part, names) in enumerate(zip(self.parts, PARTS, strict=True)):
            of_part = part(torch.stack([embedded[name] for name in names]).sum(0))
            painted = painted + of_part[:, :, None, None] * layout[:, i : i + 1]
        y = self.enter(torch.cat([x, layout * 2 - 1, painted], dim=1).contiguous(memory_format=torch.channels_last))
        entered = y
        skips = []
        y = self.down1(y)
        skips.append(y)
        for block in self.first:
            y = block(y, condition)
            skips.append(y)
        y = self.down2(y)
        skips.append(y)
        for block in self.second:
            y = block(y, condition)
            skips.append(y)
        for block in self.centre:
            y = block(y, condition)
        for block in self.third:
            y = block(torch.cat([y, skips.pop()], dim=1), condition)
        y = self.up1(F.interpolate(y, scale_factor=2.0))
        for block in self.fourth:
            y = block(torch.cat([y, skips.pop()], dim=1), condition)
        y = self.up2(F.interpolate(y, scale_factor=2.0))
        out: Tensor = self.leave(self.last(torch.cat([y, entered], dim=1), condition))
        return out


class Enlarger(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Four times larger: a bicubic enlargement plus what the network adds to it.

    Args:
        has_layout: whether the layout map at the larger size is given, to draw edges exactly.
        n: channels at the small size.
        n_mid: channels at twice the small size.
        n_blocks: residual blocks at the small size.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, has_layout: bool = True, n: int = 48, n_mid: int = 32, n_blocks: int = 5) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.has_layout = has_layout
        self.enter = nn.Conv2d(3 + (16 * LAYOUT_CHANNELS if has_layout else 0), n, 3, padding=1)
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(n, n, 3, padding=1), nn.SiLU(), nn.Conv2d(n, n, 3, padding=1))
                for _ in range(n_blocks)
            ]
        )
        self.widen = nn.Conv2d(n, 4 * n_mid, 3, padding=1)
        self.mid1 = nn.Conv2d(n_mid + (4 * LAYOUT_CHANNELS if has_layout else 0), n_mid, 3, padding=1)
        self.mid2 = nn.Conv2d(n_mid, n_mid, 3, padding=1)
        n_full = 8
        self.spread = nn.Conv2d(n_mid, 4 * n_full, 3, padding=1)
        self.leave = nn.Conv2d(n_full + (LAYOUT_CHANNELS if has_layout else 0), 3, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, layout: Tensor | None = None) -> Tensor:
        """(B, 3, H, W) -1 to 1, and (B, 4, 4H, 4W) parts, to (B, 3, 4H, 4W)."""
        y = x
        if self.has_layout:
            assert layout is not None
            y = torch.cat([x, F.pixel_unshuffle(layout, 4)], dim=1)
        y = self.enter(y.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            y = y + 0.5 * block(y)
        y = F.pixel_shuffle(self.widen(y), 2)
        if self.has_layout and layout is not None:
            y = torch.cat([y, F.pixel_unshuffle(layout, 2)], dim=1)
        y = F.silu(self.mid1(y))
        y = F.silu(y + self.mid2(y))
        y = F.silu(F.pixel_shuffle(self.spread(y), 2))  # an ordinary convolution at full size follows: no weave
        if self.has_layout and layout is not None:
            y = torch.cat([y, layout], dim=1)
        base = F.interpolate(x, scale_factor=4.0, mode="bicubic", align_corners=False)
        out: Tensor = base + self.leave(y).to(base.dtype)
        return out


def velocity(clean: Tensor, x: Tensor, time: Tensor) -> Tensor:
    """Rectified-flow velocity (noise - picture) that a predicted clean picture implies. ``time`` is (B,)."""
    return (x - clean) / time.clamp(min=MIN_TIME)[:, None, None, None]
