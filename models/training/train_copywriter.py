"""Fine-tunes a LoRA adapter on prompts and answers: the copywriter.

    python -m models.training.train_copywriter --examples runs/copy/examples.jsonl --run runs/copywriter \\
        --budget-minutes 40
    python -m models.training.train_copywriter --run runs/copywriter --export models/weights/copywriter

Stop it at any time: the same command continues from the last save. On a GPU add ``--device cuda``.

All answers about one product are trained in one sequence, a tree: words that prompts share stand in it once, and each
word sees only those on its way from the root. That is exactly what training them one by one computes, at a tenth of
the cost. Loss is on the answers alone. The base stays bfloat16 and frozen; the adapter is float32.

Source of the adapter: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from models import weights
from models.text.chat import chat_ids, plain_ids

OPENING = '{"text": "'  # what the service's schema writes before the answer; kept in step with prompts/tasks/copy_line
PROMPT_TASK = "copy_line"
_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_OTHER_WEIGHT = 0.6  # of an answer in the loss that was not written by hand
_AIRY_WEIGHT = 0.3  # of one that plays with words: wit is learnt last, and half-learnt it is nonsense
_VALIDATION = 12  # every twelfth product is kept to watch the loss on


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the outcome, saved beside the weights."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 8e-4
    warmup_steps: int = 12
    groups_a_step: int = 4
    passes: float = 3.0
    steps: int = 0  # instead of passes, if not 0
    most_answers: int = 24  # of a product in one sequence
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A prompt with its answer, and where the answer starts."""

    ids: tuple[int, ...]
    answer_at: int
    weight: float


@dataclass(frozen=True, slots=True)
class Group:
    """One telling of a product with all its answers."""

    name: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """Texts laid over each other: what they share at their beginning stands once. L places, T things to say."""

    ids: Tensor  # (L,) int64
    positions: Tensor  # (L,) int64, how deep a place lies
    may_look: Tensor  # (L, L) bool: the places on the way from the root, and itself
    predictors: Tensor  # (T,) int64, the place that has to say ...
    targets: Tensor  # (T,) int64, ... this token
    weights: Tensor  # (T,) float32


def groups_of(rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> list[Group]:
    """Rows with the same ``group`` together."""
    opening = plain_ids(tokenizer, OPENING)
    prompts: dict[tuple[str, str], list[int]] = {}
    groups: dict[str, list[Answer]] = defaultdict(list)
    for row in rows:
        key = (row["system"], row["user"])
        if key not in prompts:
            prompts[key] = [*chat_ids(tokenizer, *key), *opening]
        said = json.dumps(row["answer"], ensure_ascii=False)[1:] + "}"  # the text, its closing mark and the brace
        weight = (1.0 if row["source"] == "written" else _OTHER_WEIGHT) * (_AIRY_WEIGHT if row.get("airy") else 1.0)
        ids = (*prompts[key], *plain_ids(tokenizer, said))
        groups[row["group"]].append(Answer(ids, len(prompts[key]), weight))
    return [Group(name, tuple(answers)) for name, answers in groups.items()]


def tree_of(answers: Sequence[Answer]) -> Tree:
    """Lay answers over each other. Training on the tree computes what training on each by itself would.

    >>> tree = tree_of([Answer((5, 6, 7), 2, 1.0), Answer((5, 6, 8), 2, 1.0)])
    >>> tree.ids.tolist(), tree.predictors.tolist(), tree.targets.tolist()
    ([5, 6, 7, 8], [1, 1], [7, 8])
    """
    places: dict[tuple[int, int], int] = {}  # (place before, token) -> place
    ids: list[int] = []
    before: list[int] = []
    depth: list[int] = []
    said: list[tuple[int, int, float]] = []
    for answer in answers:
        at = -1
        for i, token in enumerate(answer.ids):
            if i >= answer.answer_at:
                said.append((at, token, answer.weight))
            if (at, token) not in places:
                places[at, token] = len(ids)
                ids.append(token)
                before.append(at)
                depth.append(i)
            at = places[at, token]
    may_look = torch.zeros(len(ids), len(ids), dtype=torch.bool)
    for place, parent in enumerate(before):
        if parent >= 0:
            may_look[place] = may_look[parent]
        may_look[place, place] = True
    predictors, targets, shares = zip(*said, strict=True)
    return Tree(
        torch.tensor(ids),
        torch.tensor(depth),
        may_look,
        torch.tensor(predictors),
        torch.tensor(targets),
        torch.tensor(shares, dtype=torch.float32),
    )


def loss_of(net: TreeLlama, answers: Sequence[Answer]) -> Tensor:
    """Weighted mean negative log-likelihood of the answers' tokens, nats."""
    tree = tree_of(answers)
    targets, shares = tree.targets.to(net.device), tree.weights.to(net.device)
    each = F.cross_entropy(net.scores(tree), targets, reduction="none")
    return (each * shares).sum() / shares.sum()


@dataclass(frozen=True, slots=True)
class _Maps:
    """Linear maps of one input, joined: frozen weights as one matrix, and each map's own low-rank pair."""

    weight: Tensor  # (sum of outputs, inputs) bfloat16
    downs: tuple[Tensor, ...]  # (rank, inputs) float32 each
    ups: tuple[Tensor, ...]  # (outputs, rank) float32 each
    scale: float

    @classmethod
    def of(cls, *modules: Any) -> _Maps:
        return cls(
            torch.cat([m.base_layer.weight.detach() for m in modules]),
            tuple(m.lora_A["default"].weight for m in modules),
            tuple(m.lora_B["default"].weight for m in modules),
            float(modules[0].scaling["default"]),
        )

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """(L, inputs) bfloat16 to one (L, outputs) for each map."""
        sizes = [up.shape[0] for up in self.ups]
        low = torch.split(F.linear(x, torch.cat(self.downs).to(x.dtype)), [d.shape[0] for d in self.downs], dim=-1)
        base = torch.split(F.linear(x, self.weight), sizes, dim=-1)
        return tuple(
            part + F.linear(z, (up * self.scale).to(x.dtype)) for part, z, up in zip(base, low, self.ups, strict=True)
        )


class TreeLlama:
    """The forward pass of a Llama with LoRA over a tree, in half the time of the library's on a CPU.

    Joined projections, one fused norm, attention as two plain products. Same numbers as the library's up to rounding,
    which a test checks.
    """

    def __init__(self, tuned: Any) -> None:
        """``tuned``: a peft model over a ``LlamaForCausalLM``; its adapter's parameters are used, not copied."""
        causal = tuned.get_base_model()
        config = causal.config
        self.device = causal.model.embed_tokens.weight.device
        self._embedding = causal.model.embed_tokens.weight.detach()
        self._norm = causal.model.norm.weight.detach()
        self._head = causal.lm_head.weight.detach()
        self._epsilon = float(config.rms_norm_eps)
        self._n_heads, self._n_kv = config.num_attention_heads, config.num_key_value_heads
        self._width = int(getattr(config, "head_dim", None) or config.hidden_size // self._n_heads)
        theta = float(config.rope_parameters["rope_theta"])
        self._frequencies = theta ** (
            -torch.arange(0, self._width, 2, dtype=torch.float32, device=self.device) / self._width
        )
        self._layers = [
            (
                block.input_layernorm.weight.detach(),
                _Maps.of(block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj),
                _Maps.of(block.self_attn.o_proj),
                block.post_attention_layernorm.weight.detach(),
                _Maps.of(block.mlp.gate_proj, block.mlp.up_proj),
                _Maps.of(block.mlp.down_proj),
            )
            for block in causal.model.layers
        ]

    def scores(self, tree: Tree) -> Tensor:
        """(T, vocabulary) float32: what each predictor of the tree says next."""
        x = self._embedding[tree.ids.to(self.device)]  # (L, d)
        angles = tree.positions.to(self.device).float()[:, None] * self._frequencies[None]
        cos, sin = angles.cos()[:, None].to(x.dtype), angles.sin()[:, None].to(x.dtype)  # (L, 1, e / 2)
        hidden = ~tree.may_look.to(self.device)
        bias = torch.zeros(hidden.shape, dtype=x.dtype, device=self.device)
        bias.masked_fill_(hidden, torch.finfo(x.dtype).min)
        for before_attention, qkv, out, before_mlp, gate_up, down in self._layers:
            q, k, v = qkv(self._rms(x, before_attention))
            x = x + out(self._attend(q, k, v, cos, sin, bias))[0]
            gate, up = gate_up(self._rms(x, before_mlp))
            x = x + down(F.silu(gate) * up)[0]
        said = self._rms(x[tree.predictors.to(self.device)], self._norm)
        return F.linear(said, self._head).float()

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, bias: Tensor) -> Tensor:
        length, shared = q.shape[0], self._n_heads // self._n_kv
        q = _turned(q.view(length, self._n_heads, self._width), cos, sin) * self._width**-0.5
        k = _turned(k.view(length, self._n_kv, self._width), cos, sin)
        v = v.view(length, self._n_kv, self._width)
        q = q.transpose(0, 1).reshape(self._n_kv, shared * length, self._width)
        looks = torch.bmm(q, k.permute(1, 2, 0)).view(self._n_kv, shared, length, length) + bias
        shares = torch.softmax(looks, dim=-1).view(self._n_kv, shared * length, length)
        seen = torch.bmm(shares, v.transpose(0, 1)).view(self._n_heads, length, self._width)
        return seen.transpose(0, 1).reshape(length, -1)

    def _rms(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight, self._epsilon)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, halves layout; x is (L, heads, e)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


# --- training ----------------------------------------------------------------------------------------------------


def load(base: str, recipe: Recipe, device: str) -> tuple[Any, Any]:
    """(base with a fresh adapter, tokenizer)."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(base) if Path(base).is_dir() else weights.path(base)
    with weights.without_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16,
        )
    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=0.0, target_modules=_TARGETS, task_type="CAUSAL_LM"
    )
    tuned = get_peft_model(model, config)
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return tuned.to(device), tokenizer


def _order(groups: Sequence[Group], recipe: Recipe, seed: int) -> Iterator[list[Answer]]:
    """Passes over the groups without end, shuffled anew each time, each with at most ``most_answers`` answers."""
    rng = random.Random(seed)
    while True:
        for group in rng.sample(list(groups), len(groups)):
            answers = list(group.answers)
            rng.shuffle(answers)
            yield answers[: recipe.most_answers]


def _rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate at a step: a linear start, then half a cosine down to a tenth."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    share = min(1.0, (step - recipe.warmup_steps) / max(1, steps - recipe.warmup_steps))
    return recipe.learning_rate * (0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * share)))


def train(rows: Sequence[Mapping[str, Any]], args: argparse.Namespace, recipe: Recipe) -> None:
    """Train until the passes are done or the budget is spent; saves every ``--save-minutes``."""
    torch.set_num_threads(args.threads)
    run: Path = args.run
    run.mkdir(parents=True, exist_ok=True)
    model, tokenizer = load(args.base, recipe, args.device)
    net = TreeLlama(model)
    groups = groups_of(rows, tokenizer)
    names = sorted({group.name.split("#")[0] for group in groups})
    watched = set(names[::_VALIDATION])
    learnt = [g for g in groups if g.name.split("#")[0] not in watched]
    unseen = [g for g in groups if g.name.split("#")[0] in watched and g.name.endswith("#0")][:_VALIDATION]
    steps = recipe.steps or max(1, int(recipe.passes * len(learnt) / recipe.groups_a_step))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=recipe.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    if (run / "state.pt").exists():
        step, spent_cpu_s = _resume(run, model, optimiser)
    else:
        step, spent_cpu_s = 0, _begin_with(args.begin_with, model) if args.begin_with else 0.0
    print(
        f"{len(learnt)} groups, {sum(len(g.answers) for g in learnt)} answers, {steps} steps, from {step}", flush=True
    )
    first_step = step
    started, cpu_started, saved = time.perf_counter(), time.process_time(), time.perf_counter()
    stream = _order(learnt, recipe, recipe.seed)
    for _ in range(step * recipe.groups_a_step):  # the same order as without the stop
        next(stream)
    log = (run / "log.jsonl").open("a", encoding="utf-8")
    recent: list[float] = []
    while step < steps and time.perf_counter() - started < args.budget_minutes * 60:
        for settings in optimiser.param_groups:
            settings["lr"] = _rate(recipe, step, steps)
        for _ in range(recipe.groups_a_step):
            loss = loss_of(net, next(stream)) / recipe.groups_a_step
            loss.backward()  # type: ignore[no-untyped-call]
            recent.append(float(loss.detach()) * recipe.groups_a_step)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if step % 10 == 0 or step == steps:
            minutes = (time.perf_counter() - started) / 60
            cpu_s = spent_cpu_s + time.process_time() - cpu_started
            row = {"step": step, "loss": round(sum(recent) / len(recent), 4), "cpu_s": round(cpu_s)}
            if step % 50 == 0 or step == steps:
                row["unseen_loss"] = round(_validate(net, unseen), 4)
            recent.clear()
            print(f"{row}, about {minutes / (step - first_step) * (steps - step):.0f} min left at most", flush=True)
            log.write(json.dumps(row) + "\n")
            log.flush()
        if time.perf_counter() - saved > args.save_minutes * 60:
            _save(run, model, optimiser, step, spent_cpu_s + time.process_time() - cpu_started, recipe)
            saved = time.perf_counter()
    _save(run, model, optimiser, step, spent_cpu_s + time.process_time() - cpu_started, recipe)
    print(f"saved at step {step} of {steps}", flush=True)


def _validate(net: TreeLlama, groups: Sequence[Group]) -> float:
    with torch.no_grad():
        losses = [float(loss_of(net, g.answers)) for g in groups]
    return sum(losses) / max(1, len(losses))


def _save(run: Path, model: Any, optimiser: Any, step: int, cpu_s: float, recipe: Recipe) -> None:
    """The new state beside the old one, then in its place: a stop in between loses nothing."""
    state = {
        "adapter": {n: p.detach().cpu() for n, p in model.named_parameters() if p.requires_grad},
        "optimiser": optimiser.state_dict(),
        "step": step,
        "cpu_s": cpu_s,
        "recipe": asdict(recipe),
    }
    torch.save(state, run / "state.new")
    (run / "state.new").replace(run / "state.pt")


def _begin_with(run: Path, model: Any) -> float:
    """Take the weights of another run, not its steps; its computing time counts as ours, seconds."""
    state = torch.load(run / "state.pt", weights_only=True)
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["adapter"].items():
            own[name].copy_(value)
    return float(state["cpu_s"])


def _resume(run: Path, model: Any, optimiser: Any) -> tuple[int, float]:
    state = torch.load(run / "state.pt", weights_only=True)
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["adapter"].items():
            own[name].copy_(value)
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["cpu_s"])


def export(run: Path, base: str, out: Path) -> None:
    """The adapter as peft reads it, in bfloat16, with what it was trained on and for.

    ``adapter_model.safetensors``, ``adapter_config.json`` and ``copywriter.json`` (base, prompt task, recipe, digest).
    """
    from safetensors.torch import save_file

    state = torch.load(run / "state.pt", weights_only=True)
    recipe = Recipe(**state["recipe"])
    tensors = {
        name.replace(".default.weight", ".weight"): value.to(torch.bfloat16).contiguous()
        for name, value in state["adapter"].items()
    }
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": _TARGETS,
    }
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    about = {
        "base": base,
        "own_task": PROMPT_TASK,
        "languages": ["en"],
        "recipe": asdict(recipe),
        "steps": state["step"],
        "cpu_minutes": round(state["cpu_s"] / 60, 1),
        "sha256": hashlib.sha256((out / "adapter_model.safetensors").read_bytes()).hexdigest(),
    }
    (out / "copywriter.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    print(f"{out}: {(out / 'adapter_model.safetensors').stat().st_size / 1e6:.1f} MB, step {state['step']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, help="JSONL from service.copy.training_set examples")
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--base", default="smollm2", help="weight row or folder")
    parser.add_argument("--begin-with", type=Path, help="folder of an earlier run whose weights a new run goes on from")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget-minutes", type=float, default=40.0)
    parser.add_argument("--save-minutes", type=float, default=3.0)
    parser.add_argument("--export", type=Path, default=None, help="write the adapter here and stop")
    defaults = Recipe()
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    recipe = Recipe(**{name: getattr(args, name) for name in asdict(defaults)})
    if args.export:
        export(args.run, args.base, args.export)
        return
    if args.examples is None:
        parser.error("--examples FILE is needed to train")
    rows = [json.loads(line) for line in args.examples.read_text("utf-8").splitlines() if line]
    train(rows, args, recipe)


if __name__ == "__main__":
    main()
