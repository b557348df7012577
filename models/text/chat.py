"""From a system and a user text to token ids, so that no text can pose as a control token or as another speaker."""

from __future__ import annotations

from typing import Any

_SYSTEM, _USER = "\u27e6system\u27e7", "\u27e6user\u27e7"  # stand-ins that the template is filled with


def chat_ids(tokenizer: Any, system: str, user: str) -> list[int]:
    """Token ids of one exchange, ending where the assistant's answer begins.

    The chat template is filled with stand-ins, and the real texts are tokenised apart from it: a text that contains
    ``<|im_end|>`` becomes ordinary characters, never the control token.

    Args:
        tokenizer: a transformers fast tokenizer. Without a chat template the two texts are simply joined.
        system: instructions; "" for none.
        user: what is asked.
    """
    if not getattr(tokenizer, "chat_template", None):
        return plain_ids(tokenizer, f"{system}\n\n{user}\n" if system else f"{user}\n")
    messages = [{"role": "user", "content": _USER}]
    if system:
        messages.insert(0, {"role": "system", "content": _SYSTEM})
    filled = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids: list[int] = []
    for piece, text in _pieces(filled, {_SYSTEM: system, _USER: user}):
        ids += tokenizer(piece, add_special_tokens=False)["input_ids"] if piece else []
        ids += plain_ids(tokenizer, text) if text else []
    return ids


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text in which nothing is a control token."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids


def _pieces(filled: str, texts: dict[str, str]) -> list[tuple[str, str]]:
    """(template part, text that follows it), in order."""
    pieces: list[tuple[str, str]] = []
    rest = filled
    for stand_in, text in texts.items():
        if stand_in in rest:
            before, rest = rest.split(stand_in, 1)
            pieces.append((before, text))
    return [*pieces, (rest, "")]
