"""No model at all: whoever asks for drafts has to make do without. The copy room's composer writes everything then."""

from __future__ import annotations

from models.errors import UnsupportedRequest
from models.types import TextReply, TextRequest, Watch


class NoText:
    """A backend that speaks no language, so that nothing is ever asked of it."""

    name = "none"
    languages: tuple[str, ...] = ()

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        """Raises UnsupportedRequest, always."""
        raise UnsupportedRequest(self.name, "it writes nothing; choose another text backend")
