"""Which machine do we compute on, and how precisely? Asked by backends; imports torch only when called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Precision(StrEnum):
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a backend puts its arrays."""

    name: str  # "cpu", "cuda", "cuda:1", "mps"
    precision: Precision

    @property
    def is_cpu(self) -> bool:
        return self.name == "cpu"

    @property
    def dtype(self) -> torch.dtype:
        import torch

        return {
            Precision.FLOAT32: torch.float32,
            Precision.BFLOAT16: torch.bfloat16,
            Precision.FLOAT16: torch.float16,
        }[self.precision]


def choose_device(name: str | None = None, precision: str | None = None) -> Device:
    """The device to use.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps"; None takes a GPU if there is one.
        precision: "float32", "bfloat16", "float16"; None takes the fastest that this device computes well:
            bfloat16 on a GPU and on a CPU with bfloat16 instructions (there about 1.6 times as fast as float32),
            else float32.
    """
    import torch

    chosen = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if precision is not None:
        return Device(chosen, Precision(precision))
    if chosen.startswith("cuda"):
        return Device(chosen, Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT16)
    if chosen == "cpu":
        return Device(chosen, Precision.BFLOAT16 if cpu_computes_bfloat16() else Precision.FLOAT32)
    return Device(chosen, Precision.FLOAT32)


def cpu_computes_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX); elsewhere it is slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def sensible_threads() -> int:
    """Half of this machine's cores, at least 1.

    The products of small models are short: threads mostly wait for each other, and on cores that others use they spin
    (SmolLM2-135M on two busy cores: eight times the processor time with two threads).
    """
    return max(1, (os.cpu_count() or 1) // 2)


def use_threads(n: int) -> None:
    """Let torch use ``n`` threads in this process. More threads than free cores spin and slow each other down."""
    import torch

    if n < 1:
        raise ValueError(f"threads must be at least 1, not {n}")
    torch.set_num_threads(n)
