"""Makes the third-party files of this folder again: scripts, fonts, licence texts. Needs the npm client; one minute.

    python service/pages/static/make_static.py

The scripts are taken as they are published; the fonts are those of ``service/images/fonts``, packed as WOFF2
(``pip install brotli``).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FONTS = HERE.parents[1] / "images" / "fonts"
HTMX = "htmx.org@2.0.11"
VEGA = ("vega@6.2.0", "vega-lite@6.4.1", "vega-embed@7.0.2")  # what the bundle of vl-convert 1.9 holds
FACES = ("Inter-Regular", "Inter-Medium", "Inter-SemiBold", "InstrumentSerif-Regular")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), HTMX, *VEGA]
        subprocess.run(run, check=True)
        modules = folder / "node_modules"
        (HERE / "htmx.js").write_bytes((modules / "htmx.org" / "dist" / "htmx.min.js").read_bytes())
        (HERE / "LICENSES.txt").write_text(licences(modules), "utf-8")
    (HERE / "vega.js").write_text(vega_bundle(), "utf-8")
    for face in FACES:
        pack(FONTS / f"{face}.ttf", HERE / f"{face}.woff2")


def vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script whose only global is ``vegaEmbed``."""
    import vl_convert

    return f"(()=>{{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();\n"


def licences(modules: Path) -> str:
    """The licence text of every package, told apart by name; command-line helpers are not in the bundle."""
    left_out = (
        "@types",
        "ansi-",
        "cliui",
        "commander",
        "emoji-",
        "escalade",
        "get-",
        "iconv-",
        "safer-",
        "string-width",
    )
    parts = []
    for package in sorted(modules.iterdir()):
        text = next(iter(sorted(package.glob("LICEN[CS]E*"))), None)
        if text is not None and not package.name.startswith((*left_out, "strip-ansi", "wrap-ansi", "y18n", "yargs")):
            parts.append(f"{package.name}\n{'=' * len(package.name)}\n\n{text.read_text('utf-8').strip()}\n")
    return "\n\n".join(parts)


def pack(source: Path, target: Path) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(source)
    font.flavor = "woff2"
    font.save(target)


if __name__ == "__main__":
    main()
