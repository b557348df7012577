"""What can go wrong when something is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class PromptError(Exception):
    """Any failure of this room."""


class UnknownTask(PromptError):
    """No prompt file was ever written for this task."""

    def __init__(self, task: str, known: Iterable[str]) -> None:
        self.task, self.known = task, tuple(sorted(known))
        super().__init__(f"no prompts for task {task!r}; tasks here: {', '.join(self.known)}")


class UnknownPrompt(PromptError):
    """No such prompt file, or no such version of it."""

    def __init__(self, task: str, version: int | None, known: Sequence[int]) -> None:
        self.task, self.version, self.known = task, version, tuple(known)
        wanted = "released" if version is None else f"v{version}"
        super().__init__(f"no prompt {task!r} {wanted}; versions here: {list(known)}")


class MissingInput(PromptError):
    """The prompt has an input that nobody filled."""

    def __init__(self, task: str, missing: Iterable[str]) -> None:
        self.task, self.missing = task, tuple(sorted(missing))
        super().__init__(f"prompt {task!r} needs a value for: {', '.join(self.missing)}")


class UnknownInput(PromptError):
    """A value was given for something the prompt does not ask."""

    def __init__(self, task: str, unknown: Iterable[str], known: Iterable[str]) -> None:
        self.task, self.unknown, self.known = task, tuple(sorted(unknown)), tuple(sorted(known))
        super().__init__(f"prompt {task!r} has no input {', '.join(self.unknown)}; its inputs: {', '.join(self.known)}")


class WrongInput(PromptError):
    """An input has a value of the wrong kind."""

    def __init__(self, task: str, name: str, expected: str, value: object) -> None:
        self.task, self.name, self.expected = task, name, expected
        super().__init__(f"prompt {task!r}: input {name!r} must be {expected}, not {type(value).__name__} {value!r}")


class NothingFits(PromptError):
    """No sentence shape of the prompt can be filled within the limit."""

    def __init__(self, task: str, longest: int) -> None:
        self.task, self.longest = task, longest
        super().__init__(f"prompt {task!r}: none of its sentences fits {longest} characters with these inputs")


class EditedRelease(PromptError):
    """A released prompt file no longer says what it said when it was released."""

    def __init__(self, task: str, version: int, released: str, found: str) -> None:
        self.task, self.version, self.released, self.found = task, version, released, found
        super().__init__(
            f"released prompt {task!r} v{version} was edited: digest {found[:12]}..., released as {released[:12]}...; "
            f"undo the edit and write {task}/{version + 1}.toml (or the next free number) instead"
        )


class BadFile(PromptError):
    """A prompt or channel file cannot be read as one."""

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file}: {reason}")


def did_you_mean(said: str, known: Iterable[str]) -> str:
    """ "; did you mean google_rsa?" for a name near a known one, else nothing.

    >>> did_you_mean("google rsa", ["google_rsa", "email"])
    '; did you mean google_rsa?'
    """
    names = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in known}
    plain = re.sub(r"[^a-z0-9]", "", said.lower())
    near = [plain] if plain in names else get_close_matches(plain, names, 2, 0.6)
    near = near or [n for n in names if len(plain) > 3 and (plain in n or n in plain)][:2]
    return f"; did you mean {' or '.join(names[n] for n in near)}?" if near else ""


class UnknownChannel(PromptError):
    """No such channel file."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(sorted(known))
        super().__init__(f"no channel {name!r}{did_you_mean(name, self.known)}; channels here: {', '.join(self.known)}")


class UnknownField(PromptError):
    """The channel has no such text field."""

    def __init__(self, channel: str, field: str, known: Iterable[str]) -> None:
        self.channel, self.field, self.known = channel, field, tuple(known)
        has = ", ".join(self.known) or "none (pictures only)"
        meant = did_you_mean(field, self.known)
        super().__init__(f"channel {channel!r} has no text field {field!r}{meant}; its text fields: {has}")


class UnknownMarket(PromptError):
    """No rule pack of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(sorted(known))
        super().__init__(f"no market {name!r}; markets here: {', '.join(self.known)}")
