"""What a file says about itself in XMP: IPTC digital source type, and the AIGC fields of GB 45438-2025.

Packets are written into PNG, JPEG and WebP files without touching a pixel, and read back from them.

Sources: XMP specification part 3 (where packets lie in files); IPTC Photo Metadata Standard, Digital Source Type;
TC260-PG-20258A (property ``AIGC`` in the name space of TC260, its value the JSON of GB 45438-2025, appendix E).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from service.errors import InvalidInput

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
XMP = "http://ns.adobe.com/xap/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
AIGC_FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
_JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\x00"
_PNG_KEY = b"XML:com.adobe.xmp"
_JPEG_MOST = 65_533 - len(_JPEG_HEAD)
_MOST_PACKET = 1 << 20  # larger ones are not read


@dataclass(frozen=True, slots=True)
class Marks:
    """The labels that a file carries in XMP."""

    source_type: str | None = None  # "compositeSynthetic"
    aigc: Mapping[str, str] | None = None
    creator_tool: str | None = None
    description: str | None = None


def packet_of(marks: Marks) -> bytes:
    """An XMP packet. The same marks give the same bytes."""
    attributes, inside = [], []
    if marks.creator_tool:
        attributes.append(f"xmp:CreatorTool={quoteattr(marks.creator_tool)}")
    if marks.source_type:
        inside.append(
            f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES}{marks.source_type}</Iptc4xmpExt:DigitalSourceType>"
        )
    if marks.aigc is not None:
        said = json.dumps({name: marks.aigc.get(name, "") for name in AIGC_FIELDS}, ensure_ascii=False)
        inside.append(f"<TC260:AIGC>{escape(said)}</TC260:AIGC>")
    if marks.description:
        inside.append(
            f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(marks.description)}</rdf:li></rdf:Alt>'
            "</dc:description>"
        )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" xmlns:xmp="{XMP}" xmlns:dc="{DC}" xmlns:Iptc4xmpExt="{IPTC_EXT}" '
        f'xmlns:TC260="{TC260}" {" ".join(attributes)}>{"".join(inside)}</rdf:Description></rdf:RDF></x:xmpmeta>\n'
        '<?xpacket end="w"?>'
    ).encode()


def marks_of(packet: bytes) -> Marks:
    """What a packet says; what cannot be read says nothing."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if len(packet) > _MOST_PACKET:
        return Marks()
    try:
        root = fromstring(packet.strip(b"\x00 \r\n\t"))
    except (ParseError, DefusedXmlException, ValueError):
        return Marks()
    source = _property(root, IPTC_EXT, "DigitalSourceType")
    aigc: dict[str, str] | None = None
    said = _property(root, TC260, "AIGC")
    if said:
        try:
            parsed = json.loads(said)
            if isinstance(parsed, dict):
                parsed = parsed.get("AIGC", parsed)  # some writers wrap it once more
                aigc = {str(key): str(value) for key, value in parsed.items()}
        except (ValueError, AttributeError):
            aigc = None
    listed = next(iter(root.iter(f"{{{DC}}}description")), None)
    words = "".join(listed.itertext()).strip() if listed is not None else None
    return Marks(source.rsplit("/", 1)[-1] if source else None, aigc, _property(root, XMP, "CreatorTool"), words)


def _property(root: Element, space: str, name: str) -> str | None:
    """A property written as an element or as an attribute."""
    tag = f"{{{space}}}{name}"
    for item in root.iter():
        if item.tag == tag and (item.text or "").strip():
            return str(item.text).strip()
        if tag in item.attrib:
            return str(item.attrib[tag])
    return None


def embed(data: bytes, packet: bytes) -> bytes:
    """The file with this packet in place of any it had.

    Raises:
        InvalidInput: not PNG, JPEG or WebP, or the packet is too long for it.
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        chunks = [c for c in _png_chunks(data) if not (c[0] == b"iTXt" and c[1].startswith(_PNG_KEY + b"\x00"))]
        text = _PNG_KEY + b"\x00\x00\x00\x00\x00" + packet
        return data[:8] + b"".join(_png_chunk(*c) for c in (chunks[0], (b"iTXt", text), *chunks[1:]))
    if data[:2] == b"\xff\xd8":
        if len(packet) > _JPEG_MOST:
            raise InvalidInput("label", "the XMP packet is too long for a JPEG file")
        start, body = _jpeg_without_xmp(data)
        segment = _JPEG_HEAD + packet
        return start + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + body
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_with_xmp(data, packet)
    raise InvalidInput("picture", "labels go into PNG, JPEG and WebP files only")


def extract(data: bytes) -> bytes | None:
    """The packet of a file, None where it has none or is no picture that we know."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            for kind, body in _png_chunks(data):
                if kind == b"iTXt" and body.startswith(_PNG_KEY + b"\x00"):
                    compressed = body[len(_PNG_KEY) + 1 : len(_PNG_KEY) + 2] == b"\x01"
                    text = body[len(_PNG_KEY) + 3 :].split(b"\x00", 2)[2]
                    return zlib.decompressobj().decompress(text, _MOST_PACKET) if compressed else text
        if data[:2] == b"\xff\xd8":
            for marker, body in _jpeg_segments(data):
                if marker == 0xE1 and body.startswith(_JPEG_HEAD):
                    return body[len(_JPEG_HEAD) :]
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return next((body for kind, body in _webp_chunks(data) if kind == b"XMP "), None)
    except (struct.error, IndexError, zlib.error):
        return None
    return None


def read(data: bytes) -> Marks:
    """The labels that a file carries."""
    packet = extract(data)
    return Marks() if packet is None else marks_of(packet)


# --- where packets lie -------------------------------------------------------------------------------------------


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg_segments(data: bytes) -> list[tuple[int, bytes]]:
    """Segments before the picture itself."""
    found, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def _jpeg_without_xmp(data: bytes) -> tuple[bytes, bytes]:
    """(start of the file with its JFIF and Exif segments, the rest), without any XMP packet."""
    start, at, is_head = [data[:2]], 2, True
    rest: list[bytes] = []
    for marker, body in _jpeg_segments(data):
        whole = data[at : at + 4 + len(body)]
        at += len(whole)
        if marker == 0xE1 and body.startswith(_JPEG_HEAD):
            continue
        is_head = is_head and (marker == 0xE0 or (marker == 0xE1 and body.startswith(b"Exif")))
        (start if is_head else rest).append(whole)
    return b"".join(start), b"".join(rest) + data[at:]


def _webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 12
    while at + 8 <= len(data):
        length = struct.unpack_from("<I", data, at + 4)[0]
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def _webp_with_xmp(data: bytes, packet: bytes) -> bytes:
    import io

    from PIL import Image

    chunks = [c for c in _webp_chunks(data) if c[0] != b"XMP "]
    flags = 0x04
    if chunks[0][0] == b"VP8X":
        head = bytes([chunks[0][1][0] | flags]) + chunks[0][1][1:]
        chunks = [(b"VP8X", head), *chunks[1:]]
    else:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            flags |= 0x10 if "A" in image.getbands() else 0
        sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        chunks = [(b"VP8X", bytes([flags, 0, 0, 0]) + sides), *chunks]
    chunks.append((b"XMP ", packet))
    body = b"".join(kind + struct.pack("<I", len(part)) + part + b"\x00" * (len(part) % 2) for kind, part in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
