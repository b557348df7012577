"""Choosing the next token from its scores. Pure functions on arrays; chance comes in as numbers."""

from __future__ import annotations

import torch
from torch import Tensor

_TOP = 256  # candidates looked at first; nearly always they hold top_p of the probability


def sample(scores: Tensor, temperature: float, top_p: float, chance: Tensor) -> Tensor:
    """Draw one token a row by nucleus sampling: the likeliest tokens that together hold ``top_p``.

    Args:
        scores: (n, vocabulary) float32 logits; -inf is forbidden. At least one a row is finite.
        temperature: 0 takes the likeliest; below 1 sharper, above 1 flatter.
        top_p: 0 (exclusive) to 1; the token that crosses it is kept.
        chance: (n,) float64 uniform in [0, 1): one draw a row, so rows do not disturb each other.

    Returns:
        (n,) int64 token ids.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020.
    """
    if temperature == 0.0:
        return scores.argmax(dim=-1)
    shares = torch.softmax(scores / temperature, dim=-1)  # (n, vocabulary)
    best, tokens = shares.topk(min(_TOP, shares.shape[-1]), dim=-1)  # (n, _TOP), falling
    if bool((best.sum(dim=-1) < top_p).any()) and best.shape[-1] < shares.shape[-1]:
        best, tokens = shares.sort(dim=-1, descending=True)
    heights = best.double().cumsum(dim=-1)
    before = heights - best.double()  # probability of all likelier tokens
    kept = torch.where(before < top_p, best.double(), 0.0)  # the first is always kept
    heights = kept.cumsum(dim=-1)
    place = torch.searchsorted(heights, (chance * heights[:, -1])[:, None], right=True)
    last = (kept > 0).sum(dim=-1, keepdim=True) - 1  # rounding must not step past the nucleus
    return tokens.gather(-1, torch.minimum(place, last))[:, 0]


def log_probabilities(scores: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability of the chosen token, (n,) float32 nats, under (n, vocabulary) ``scores``."""
    return scores.gather(-1, tokens[:, None])[:, 0] - scores.logsumexp(dim=-1)
