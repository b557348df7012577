"""The ``adloom`` command, put together from ``service/commands``.

Every command imports what it needs when it runs, so that ``--help`` is instant. Results go to standard output
(``--json`` for machines), everything else to standard error; the exit code is 0 only if all went well.
"""

from __future__ import annotations

import sys

import typer

from .commands import (
    batch,
    copywriting,
    cut_out,
    db,
    exports,
    feeds,
    formats,
    keys,
    pictures,
    results,
    retouch,
    reviews,
    rules,
    run,
    scenes,
    simulate,
    statistics,
    verify,
    visitors,
    weights,
    words,
)
from .commands.base import say

app = typer.Typer(
    name="adloom",
    help="Creative that tells the truth and proves itself: copy with evidence, untouched products, tests that learn.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for group in (run, copywriting, feeds, words, reviews, pictures, cut_out, batch, retouch):
    app.add_typer(group.app)
for name, group in (("db", db), ("keys", keys), ("rules", rules), ("scenes", scenes), ("weights", weights)):
    app.add_typer(group.app, name=name)
app.add_typer(formats.app, name="formats")
app.add_typer(keys.workspaces, name="workspaces")
app.add_typer(visitors.app, name="visitors")
app.add_typer(visitors.retention)
app.add_typer(verify.app)
app.add_typer(results.app)
app.add_typer(exports.app)
app.add_typer(statistics.app, name="statistics")
app.add_typer(simulate.app)


def main() -> None:
    """Run the command; known failures are one line and exit code 1, Ctrl-C is 130."""
    from models.errors import ModelError
    from prompts.errors import PromptError
    from prompts.scenes import SceneError

    from .errors import ServiceError

    try:
        app()
    except (ServiceError, ModelError, PromptError, SceneError) as error:
        say(f"adloom: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)


if __name__ == "__main__":
    main()
