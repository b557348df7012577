"""Makes the font files of this folder from the packages named in README.md, so that anyone can make them again.

    python -m venv fonts-env && fonts-env/bin/pip install fonttools
    fonts-env/bin/python service/images/fonts/make_fonts.py        # needs the npm client; ~2 minutes

Every face is cut down to the characters that advertisements in our languages use; kerning, ligatures, figures and mark
positioning stay in. Chinese faces keep the 6,763 hanzi of GB 2312 (levels 1 and 2), the Japanese one the 6,355 kanji of
JIS X 0208, Korean ones the 2,350 syllables of KS X 1001.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Face:
    """One font file we ship, and where it comes from."""

    package: str  # npm package and version
    member: str  # path inside the package
    name: str  # our file name
    script: str = "latin"  # which characters stay


FACES = (
    Face("@expo-google-fonts/inter@0.4.2", "400Regular/Inter_400Regular.ttf", "Inter-Regular.ttf"),
    Face("@expo-google-fonts/inter@0.4.2", "500Medium/Inter_500Medium.ttf", "Inter-Medium.ttf"),
    Face("@expo-google-fonts/inter@0.4.2", "600SemiBold/Inter_600SemiBold.ttf", "Inter-SemiBold.ttf"),
    Face(
        "@expo-google-fonts/instrument-serif@0.4.1",
        "400Regular/InstrumentSerif_400Regular.ttf",
        "InstrumentSerif-Regular.ttf",
    ),
    *(
        Face(
            f"@expo-google-fonts/noto-sans-{package}",
            f"{weight}/NotoSans{tag}_{weight}.ttf",
            f"NotoSans{tag}-{weight[3:]}.ttf",
            script,
        )
        for package, tag, script, weights in (
            ("sc@0.4.3", "SC", "chinese", ("500Medium", "700Bold")),
            ("jp@0.4.3", "JP", "japanese", ("500Medium",)),  # one weight: 6,355 kanji are large
            ("kr@0.4.3", "KR", "korean", ("500Medium", "700Bold")),
            ("arabic@0.4.3", "Arabic", "arabic", ("400Regular", "600SemiBold")),
            ("hebrew@0.4.1", "Hebrew", "hebrew", ("400Regular", "600SemiBold")),
            ("thai@0.4.2", "Thai", "thai", ("400Regular", "600SemiBold")),
            ("devanagari@0.4.1", "Devanagari", "devanagari", ("400Regular", "600SemiBold")),
        )
        for weight in weights
    ),
)
LATIN_BLOCKS = (
    (0x0020, 0x007E), (0x00A0, 0x024F), (0x02B0, 0x036F), (0x0370, 0x03FF), (0x0400, 0x052F), (0x1E00, 0x1EFF),
    (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20C0), (0x2100, 0x214F), (0x2150, 0x218F), (0x2190, 0x21FF),
    (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2600, 0x2606), (0x2713, 0x2717),
)  # fmt: skip
ASIAN_BLOCKS = ((0x0020, 0x007E), (0x00A0, 0x00FF), (0x2000, 0x206F), (0x3000, 0x30FF), (0xFF00, 0xFFEF))
JOINERS = ((0x0020, 0x007E), (0x00A0, 0x00BF), (0x2000, 0x206F), (0x20A0, 0x20C0), (0x25CC, 0x25CC))
BLOCKS = {
    "latin": LATIN_BLOCKS,
    "chinese": ASIAN_BLOCKS,
    "japanese": ASIAN_BLOCKS,
    "korean": (*ASIAN_BLOCKS, (0x1100, 0x11FF), (0x3130, 0x318F)),
    "arabic": (*JOINERS, (0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "hebrew": (*JOINERS, (0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
    "thai": (*JOINERS, (0x0E00, 0x0E7F)),
    "devanagari": (*JOINERS, (0x0900, 0x097F), (0xA8E0, 0xA8FF), (0x1CD0, 0x1CFF)),
}
CHARSETS = {"chinese": "gb2312", "japanese": "euc_jp", "korean": "euc_kr"}  # hanzi, kanji and hangul that stay


def in_charset(codec: str) -> set[int]:
    """Code points of a 94 by 94 national set in its EUC form: GB 2312, JIS X 0208 or KS X 1001 without its hanja."""
    points: set[int] = set()
    for row in range(1, 95):
        if codec == "euc_kr" and row >= 42:
            break
        for cell in range(1, 95):
            try:
                points.add(ord(bytes((0xA0 + row, 0xA0 + cell)).decode(codec)))
            except (UnicodeDecodeError, TypeError):
                continue
    return points


def characters(face: Face) -> set[int]:
    points = {point for first, last in BLOCKS[face.script] for point in range(first, last + 1)}
    charset = CHARSETS.get(face.script)
    return points | in_charset(charset) | {ord("¥"), ord("€"), ord("₩")} if charset else points


def make(face: Face, package: Path, folder: Path) -> Path:
    """Cut one face down and write it, with its licence text beside it."""
    subset = importlib.import_module("fontTools.subset")
    options = subset.Options()
    european = ["kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum", "case", "palt", "halt", "cpsp"]
    joining = face.script in ("arabic", "hebrew", "thai", "devanagari")  # there, features spell the word
    options.layout_features = ["*"] if joining else european
    options.hinting = False
    options.name_IDs = ["*"]
    options.notdef_outline = True
    font = subset.load_font(package / face.member, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters(face))
    subsetter.subset(font)
    target = folder / face.name
    subset.save_font(font, target, options)
    licence = folder / f"{face.name.split('-')[0]}-OFL.txt"
    licence.write_text((package / "LICENSE_FONT").read_text("utf-8"), "utf-8")
    return target


def unpacked(package: str, folder: Path) -> Path:
    """The package's folder, fetched with the npm client."""
    name = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder / name.removesuffix(".tgz"), filter="data")
    return folder / name.removesuffix(".tgz") / "package"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE)
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch:
        packages = {face.package: unpacked(face.package, Path(scratch)) for face in FACES}
        for face in FACES:
            path = make(face, packages[face.package], out)
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
