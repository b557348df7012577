"""Release every prompt file that is here: ``python -m prompts`` writes its digest into released.toml."""

from .library import RELEASED, released_toml

RELEASED.write_text(released_toml(), "utf-8")
