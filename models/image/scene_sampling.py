"""Draws pictures from the scene model's UNet with a diffusers scheduler."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from .scene_nets import SceneUNet, velocity


def scheduler() -> Any:
    """Rectified flow, Euler steps, no shift: a FlowMatchEulerDiscreteScheduler, untyped in its library."""
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=1.0)  # type: ignore[no-untyped-call]


@torch.no_grad()
def sample(
    net: SceneUNet,
    values: Tensor,
    layouts: Tensor,
    nothing: Tensor,
    steps: int = 8,
    guidance: float = 2.5,
    seed: int = 0,
    fast: bool = True,
) -> Tensor:
    """Pictures for given attributes and layouts.

    Args:
        net: the UNet, on any device.
        values: (B, attributes) long.
        layouts: (B, 4, H, W) parts, 0 to 1.
        nothing: (attributes,) long, the values that mean "not given".
        steps: Euler steps.
        guidance: 1 follows the attributes as trained, 2 to 3 more strictly.
        seed: of the noise; drawn on the CPU, so that every device starts from the same.
        fast: bfloat16.

    Returns:
        (B, 3, H, W) about -1 to 1.

    Source: Ho and Salimans, "Classifier-free diffusion guidance", 2022.
    """
    device = layouts.device
    n, _, height, width = layouts.shape
    noise = torch.randn((n, 3, height, width), generator=torch.Generator().manual_seed(seed))
    x = noise.to(device)
    clock = scheduler()
    clock.set_timesteps(sigmas=torch.linspace(1.0, 1.0 / steps, steps).tolist())
    both = torch.cat([values, nothing[None].expand_as(values)])
    for i, timestep in enumerate(clock.timesteps):
        time = clock.sigmas[i].to(device).expand(n)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            if guidance == 1:
                clean = net(x, time, values, layouts)
            else:
                with_words, without = net(
                    torch.cat([x, x]), torch.cat([time, time]), both, torch.cat([layouts, layouts])
                ).chunk(2)
                clean = without + guidance * (with_words - without)
        x = clock.step(velocity(clean.float(), x, time), timestep, x, return_dict=False)[0]
    return x
