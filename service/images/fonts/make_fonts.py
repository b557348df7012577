"""Makes the font files of this folder from the packages named in README.md, so that anyone can make them again.

    python -m venv fonts-env && fonts-env/bin/pip install fonttools
    fonts-env/bin/python service/images/fonts/make_fonts.py        # needs the npm client; ~2 minutes

Every face is cut down to the characters that advertisements in our languages use; kerning, ligatures, figures and mark
positioning stay in. Chinese faces keep the 6,763 hanzi of GB 2312 (levels 1 and 2).
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
    chinese: bool = False


FACES = (
    Face("@expo-google-fonts/inter@0.4.2", "400Regular/Inter_400Regular.ttf", "Inter-Regular.ttf"),
    Face("@expo-google-fonts/inter@0.4.2", "500Medium/Inter_500Medium.ttf", "Inter-Medium.ttf"),
    Face("@expo-google-fonts/inter@0.4.2", "600SemiBold/Inter_600SemiBold.ttf", "Inter-SemiBold.ttf"),
    Face(
        "@expo-google-fonts/instrument-serif@0.4.1",
        "400Regular/InstrumentSerif_400Regular.ttf",
        "InstrumentSerif-Regular.ttf",
    ),
    Face("@expo-google-fonts/noto-sans-sc@0.4.3", "500Medium/NotoSansSC_500Medium.ttf", "NotoSansSC-Medium.ttf", True),
    Face("@expo-google-fonts/noto-sans-sc@0.4.3", "700Bold/NotoSansSC_700Bold.ttf", "NotoSansSC-Bold.ttf", True),
)
LATIN_BLOCKS = (
    (0x0020, 0x007E), (0x00A0, 0x024F), (0x02B0, 0x036F), (0x0370, 0x03FF), (0x0400, 0x052F), (0x1E00, 0x1EFF),
    (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20C0), (0x2100, 0x214F), (0x2150, 0x218F), (0x2190, 0x21FF),
    (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2600, 0x2606), (0x2713, 0x2717),
)  # fmt: skip
CHINESE_BLOCKS = ((0x0020, 0x007E), (0x00A0, 0x00FF), (0x2000, 0x206F), (0x3000, 0x30FF), (0xFF00, 0xFFEF))


def gb2312() -> set[int]:
    """Code points of GB 2312: 6,763 hanzi (rows 16 to 87) and the symbols of rows 1 to 9."""
    points: set[int] = set()
    for row in (*range(1, 10), *range(16, 88)):
        for cell in range(1, 95):
            try:
                points.add(ord(bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def characters(face: Face) -> set[int]:
    blocks = CHINESE_BLOCKS if face.chinese else LATIN_BLOCKS
    points = {point for first, last in blocks for point in range(first, last + 1)}
    return points | gb2312() | {ord("¥"), ord("€")} if face.chinese else points


def make(face: Face, package: Path, folder: Path) -> Path:
    """Cut one face down and write it, with its licence text beside it."""
    subset = importlib.import_module("fontTools.subset")
    options = subset.Options()
    options.layout_features = [
        "kern",
        "liga",
        "calt",
        "ccmp",
        "locl",
        "mark",
        "mkmk",
        "tnum",
        "case",
        "palt",
        "halt",
        "cpsp",
    ]
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
