"""Running a causal language model forwards: read a prompt once, then continue it n times side by side.

Two ways with one behaviour. ``PlainDecoder`` drives any transformers model. ``SharedPromptLlama`` knows the Llama
family and is several times as fast on a CPU: the prompt's keys and values are kept once for all drafts instead of n
times, projections are joined, and no library code runs between the matrix products. Several of these step together
(``step_together``): every weight is then read once for the drafts of all prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Decoder(Protocol):
    """One prompt and its drafts. Not shared between threads."""

    def read(self, prompt: Sequence[int]) -> Tensor:
        """Read the prompt; (vocabulary,) float32 scores of what comes next."""
        ...

    def spread(self, n: int) -> None:
        """Continue with n drafts of the same prompt."""
        ...

    def step(self, tokens: Tensor) -> Tensor:
        """Each draft says one token, (rows,) int64; (rows, vocabulary) float32 scores of what comes next."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order."""
        ...


class PlainDecoder:
    """Any transformers causal model: the prompt is read in one row, then its cache is repeated for the drafts."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache: Any = None

    def read(self, prompt: Sequence[int]) -> Tensor:
        ids = torch.tensor([list(prompt)], device=self._model.device)
        with torch.inference_mode():
            out = self._model(input_ids=ids, use_cache=True, logits_to_keep=1)
        self._cache = out.past_key_values
        scores: Tensor = out.logits[0, -1].float()
        return scores

    def spread(self, n: int) -> None:
        if n > 1:
            self._cache.batch_repeat_interleave(n)

    def step(self, tokens: Tensor) -> Tensor:
        with torch.inference_mode():
            out = self._model(input_ids=tokens[:, None], past_key_values=self._cache, use_cache=True)
        self._cache = out.past_key_values
        scores: Tensor = out.logits[:, -1].float()
        return scores

    def keep(self, rows: Sequence[int]) -> None:
        self._cache.batch_select_indices(torch.tensor(list(rows), device=self._model.device))


@dataclass(frozen=True, slots=True)
class _Layer:
    """One block's weights. d: width, h: query heads, g: key-value heads, e: head width, f: inner width."""

    before_attention: Tensor  # (d,)
    qkv: Tensor  # ((h + 2 g) e, d)
    out: Tensor  # (d, h e)
    before_mlp: Tensor  # (d,)
    gate_up: Tensor  # (2 f, d)
    down: Tensor  # (d, f)


@dataclass(frozen=True, slots=True)
class LlamaWeights:
    """A Llama model as plain tensors, shared by all decoders of one backend."""

    layers: tuple[_Layer, ...]
    embedding: Tensor  # (vocabulary, d)
    norm: Tensor  # (d,)
    head: Tensor  # (vocabulary, d)
    n_heads: int
    n_kv_heads: int
    head_width: int
    epsilon: float
    frequencies: Tensor  # (e / 2,) float32, radians a position

    @staticmethod
    def understands(config: Any) -> bool:
        """Whether a transformers config is a Llama without the variants that this file leaves out."""
        rope = getattr(config, "rope_parameters", None) or {}
        return (
            config.model_type == "llama"
            and config.hidden_act == "silu"
            and not config.attention_bias
            and not config.mlp_bias
            and rope.get("rope_type", "default") == "default"
        )

    @classmethod
    def of(cls, model: Any) -> LlamaWeights:
        """Take the tensors of a loaded ``LlamaForCausalLM``. Nothing is held twice: its projections become views."""
        config = model.config
        width = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        theta = float(config.rope_parameters["rope_theta"])
        layers = tuple(
            _Layer(
                before_attention=block.input_layernorm.weight.detach(),
                qkv=_join([getattr(block.self_attn, f"{x}_proj") for x in "qkv"]),
                out=block.self_attn.o_proj.weight.detach(),
                before_mlp=block.post_attention_layernorm.weight.detach(),
                gate_up=_join([block.mlp.gate_proj, block.mlp.up_proj]),
                down=block.mlp.down_proj.weight.detach(),
            )
            for block in model.model.layers
        )
        return cls(
            layers=layers,
            embedding=model.model.embed_tokens.weight.detach(),
            norm=model.model.norm.weight.detach(),
            head=model.lm_head.weight.detach(),
            n_heads=config.num_attention_heads,
            n_kv_heads=config.num_key_value_heads,
            head_width=width,
            epsilon=float(config.rms_norm_eps),
            frequencies=theta ** (-torch.arange(0, width, 2, dtype=torch.float32) / width),
        )


class SharedPromptLlama:
    """Llama with one copy of the prompt's keys and values for all drafts.

    A draft's query looks at the prompt and at the draft's own tokens; the softmax runs over both together, so the
    result is that of ordinary attention. The prompt's part is one matrix product for all drafts and all query heads
    of a key-value head.

    Source of the split: Juravsky et al., "Hydragen: High-Throughput LLM Inference with Shared Prefixes", 2024.
    Model: Touvron et al., "LLaMA", 2023; grouped heads: Ainslie et al., "GQA", 2023.
    """

    def __init__(self, weights: LlamaWeights, max_new_tokens: int, least_rows: int = 1) -> None:
        """``least_rows``: matrix products are filled up to so many rows; see ``independent_rows``."""
        self._w = weights
        self._room = max_new_tokens
        self._least_rows = least_rows
        self._prompt: ReadPrompt | None = None
        self._keys = torch.empty(0)  # (layers, rows, g, e, room)
        self._values = torch.empty(0)  # (layers, rows, g, room, e)
        self._said = 0

    def read(self, prompt: Sequence[int]) -> Tensor:
        return self.recall(read_prompt(self._w, prompt))

    def recall(self, prompt: ReadPrompt) -> Tensor:
        """Begin with a prompt that was read already; (vocabulary,) scores of what comes next."""
        self._prompt = prompt
        return prompt.scores

    def spread(self, n: int) -> None:
        w = self._w
        shape = (len(w.layers), n, w.n_kv_heads)
        self._keys = torch.zeros(*shape, w.head_width, self._room, dtype=w.embedding.dtype)
        self._values = torch.zeros(*shape, self._room, w.head_width, dtype=w.embedding.dtype)
        self._said = 0

    def step(self, tokens: Tensor) -> Tensor:
        return step_together([self], [tokens], self._least_rows)[0]

    def position(self) -> int:
        """Where the next token stands."""
        assert self._prompt is not None
        return self._prompt.length + self._said

    def said(self) -> None:
        self._said += 1

    def attend(self, i: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Keep the newest tokens' keys and values of layer i, and look from (n, h, e) queries; (n, h e)."""
        self._keys[i, :, :, :, self._said] = k
        self._values[i, :, :, self._said] = v
        return self._look(i, q)

    def keep(self, rows: Sequence[int]) -> None:
        index = torch.tensor(list(rows))
        self._keys, self._values = self._keys[:, index], self._values[:, index]

    def _look(self, i: int, q: Tensor) -> Tensor:
        w = self._w
        assert self._prompt is not None
        n, groups, shared = q.shape[0], w.n_kv_heads, w.n_heads // w.n_kv_heads
        prompt_keys, prompt_values = self._prompt.keys[i], self._prompt.values[i]
        q = q.reshape(n, groups, shared, w.head_width) * w.head_width**-0.5
        by_group = q.transpose(0, 1).reshape(groups, n * shared, w.head_width)
        to_prompt = torch.bmm(by_group, prompt_keys)  # (g, n s, P)
        to_prompt = to_prompt.view(groups, n, shared, -1).transpose(0, 1)  # (n, g, s, P)
        now = self._said + 1
        to_own = torch.matmul(q, self._keys[i, :, :, :, :now])  # (n, g, s, now)
        share = torch.softmax(torch.cat([to_prompt, to_own], dim=-1).float(), dim=-1).to(q.dtype)
        of_prompt, of_own = share[..., : self._prompt.length], share[..., self._prompt.length :]
        seen = torch.bmm(of_prompt.transpose(0, 1).reshape(groups, n * shared, -1), prompt_values)  # (g, n s, e)
        seen = seen.view(groups, n, shared, -1).transpose(0, 1)
        seen = seen + torch.matmul(of_own, self._values[i, :, :, :now])
        return seen.reshape(n, -1)


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """What a Llama keeps of a prompt: enough to continue it any number of times."""

    length: int
    keys: tuple[Tensor, ...]  # a layer: (g, e, P)
    values: tuple[Tensor, ...]  # a layer: (g, P, e)
    scores: Tensor  # (vocabulary,) float32, of what comes next


def read_prompt(w: LlamaWeights, prompt: Sequence[int]) -> ReadPrompt:
    """Read a prompt once."""
    keys: list[Tensor] = []
    values: list[Tensor] = []
    with torch.inference_mode():
        x = w.embedding[torch.tensor(list(prompt))]  # (P, d)
        length = len(prompt)
        turn = _turn(w, torch.arange(length))  # (P, 1, e / 2) twice
        for layer in w.layers:
            q, k, v = _project(w, layer, x, turn)  # (P, h, e), (P, g, e), (P, g, e)
            keys.append(k.permute(1, 2, 0).contiguous())
            values.append(v.transpose(0, 1).contiguous())
            seen = F.scaled_dot_product_attention(
                q.transpose(0, 1)[None],
                k.transpose(0, 1)[None],
                v.transpose(0, 1)[None],
                is_causal=True,
                enable_gqa=True,
            )[0]  # (h, P, e)
            x = x + F.linear(seen.transpose(0, 1).reshape(length, -1), layer.out)
            x = _think(w, layer, x)
        return ReadPrompt(length, tuple(keys), tuple(values), _score(w, x[-1:])[0])


def step_together(decoders: Sequence[SharedPromptLlama], tokens: Sequence[Tensor], least_rows: int = 1) -> list[Tensor]:
    """One token more for every draft of several prompts; the weights are read once for all.

    Args:
        tokens: (rows,) int64 for each decoder.
        least_rows: the rows of all are filled up to so many; see ``independent_rows``.

    Returns:
        (rows, vocabulary) float32 scores of what comes next, for each decoder.
    """
    w = decoders[0]._w
    sizes = [len(said) for said in tokens]
    n = sum(sizes)
    filled = max(n, least_rows)
    with torch.inference_mode():
        x = torch.zeros(filled, w.embedding.shape[1], dtype=w.embedding.dtype)
        x[:n] = w.embedding[torch.cat(list(tokens))]
        at = torch.zeros(filled, dtype=torch.int64)
        at[:n] = torch.repeat_interleave(torch.tensor([d.position() for d in decoders]), torch.tensor(sizes))
        turn = _turn(w, at)
        for i, layer in enumerate(w.layers):
            q, k, v = (torch.split(part[:n], sizes) for part in _project(w, layer, x, turn))
            seen = torch.zeros(filled, layer.out.shape[1], dtype=x.dtype)
            seen[:n] = torch.cat([d.attend(i, *own) for d, *own in zip(decoders, q, k, v, strict=True)])
            x = x + F.linear(seen, layer.out)
            x = _think(w, layer, x)
        for decoder in decoders:
            decoder.said()
        return list(torch.split(_score(w, x)[:n], sizes))


def independent_rows(w: LlamaWeights, most: int = 128) -> int | None:
    """The fewest rows from which on a row's result does not depend, to the bit, on what is computed beside it.

    Small products use other kernels, whose sums run in another order; filled up to this many rows, a draft does not
    depend on how many others are written at the same time. None if there is no such number up to half of ``most``:
    then requests must be served one after the other to stay repeatable.
    """
    layer = w.layers[0]
    rng = torch.Generator().manual_seed(0)
    found = 1
    with torch.inference_mode():
        for weight in (layer.qkv, layer.out, layer.gate_up, layer.down, w.head):
            x = torch.randn(most, weight.shape[1], generator=rng).to(weight.dtype)
            whole = F.linear(x, weight)
            if not torch.equal(F.linear(x.flip(0), weight).flip(0), whole):
                return None
            for rows in (96, 80, 64, 56, 48, 40, 32, 24, 16, 8):
                if rows <= found:
                    break
                if not torch.equal(F.linear(x[:rows], weight), whole[:rows]):
                    if rows >= most // 2:
                        return None
                    found = max(found, _NEXT[rows])
                    break
    return max(found, 8)


_NEXT = {8: 16, 16: 24, 24: 32, 32: 40, 40: 48, 48: 56, 56: 64}


def _project(w: LlamaWeights, layer: _Layer, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    joined = F.linear(_rms(x, layer.before_attention, w.epsilon), layer.qkv)
    heads = joined.view(x.shape[0], w.n_heads + 2 * w.n_kv_heads, w.head_width)
    turned = _rotate(heads[:, : w.n_heads + w.n_kv_heads], turn)
    return turned[:, : w.n_heads], turned[:, w.n_heads :], heads[:, w.n_heads + w.n_kv_heads :]


def _think(w: LlamaWeights, layer: _Layer, x: Tensor) -> Tensor:
    gate, up = F.linear(_rms(x, layer.before_mlp, w.epsilon), layer.gate_up).chunk(2, dim=-1)
    return x + F.linear(F.silu(gate) * up, layer.down)


def _score(w: LlamaWeights, x: Tensor) -> Tensor:
    return F.linear(_rms(x, w.norm, w.epsilon), w.head).float()


def _join(projections: Sequence[Any]) -> Tensor:
    """Several linear maps of one input as one matrix; the maps keep working, on views of it."""
    joined = torch.cat([projection.weight.detach() for projection in projections])
    parts = torch.split(joined, [projection.weight.shape[0] for projection in projections])
    for projection, part in zip(projections, parts, strict=True):
        projection.weight.data = part
    return joined


def _rms(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Root-mean-square norm. Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019."""
    return F.rms_norm(x, (x.shape[-1],), weight, epsilon)


def _turn(w: LlamaWeights, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each position's angles, (positions, 1, e / 2) each, as precise as the weights."""
    angles = positions[:, None, None].float() * w.frequencies
    return angles.cos().to(w.embedding.dtype), angles.sin().to(w.embedding.dtype)


def _rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions, halves layout; x is (rows, heads, e). Source: Su et al., "RoFormer", 2021."""
    cos, sin = turn  # (rows or 1, 1, e / 2)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
