"""C2PA manifests: what was opened, what was placed, by whom it is signed; written into the file and read back.

The photograph is the parent (``c2pa.opened``); the place and further products are components (``c2pa.placed``). Sealing
a file that carries a manifest of ours already keeps that one as its parent, so the chain stays whole.

Source: documentation of c2pa-python on intents and ingredients; C2PA technical specification 2.x, actions.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .certificates import Certificate, SigningImpossible

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
RECEIPT = "adloom.receipt"  # our own assertion: which creative, and what its receipt says
State = Literal["trusted", "valid", "invalid"]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One of the things that a picture was made of."""

    id: str  # "photograph", "place", "product-2"
    title: str
    data: bytes
    media_type: str
    source_type: str  # last word of the IPTC address, such as "digitalCapture"
    description: str


@dataclass(frozen=True, slots=True)
class Story:
    """What a manifest says."""

    title: str
    source_type: str  # of the whole
    parent: Ingredient | None  # the first photograph; None: the file itself is the parent
    placed: Sequence[Ingredient] = ()
    actions: Sequence[Mapping[str, Any]] = ()  # further ones, in order
    receipt: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was read from a file."""

    state: State  # trusted: by a list that we were given; valid: whole, the signer is unknown; invalid: changed since
    is_ours: bool  # whole, and signed with this installation's certificate
    signer: str
    source_type: str | None
    actions: tuple[str, ...]
    ingredients: tuple[tuple[str, str], ...]  # (relationship, title)
    receipt: Mapping[str, Any]
    problems: tuple[str, ...]
    n_manifests: int  # in the chain
    report: Mapping[str, Any]  # all that the reader says


def seal(data: bytes, media_type: str, story: Story, certificate: Certificate, timestamp_url: str | None) -> bytes:
    """The file with a signed manifest; its pixels stay as they are.

    Raises:
        SigningImpossible: for whatever reason. Nothing half-signed is returned.
    """
    try:
        import c2pa

        actions = [_placed(item, story.source_type) for item in story.placed] + [dict(a) for a in story.actions]
        definition = {
            "title": story.title,
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": actions}},
                {"label": RECEIPT, "data": dict(story.receipt)},
            ],
        }
        with (
            _context(story.version) as context,
            c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(
                    alg=certificate.algorithm.encode(),
                    sign_cert=certificate.chain_pem,
                    private_key=certificate.key_pem,
                    ta_url=timestamp_url.encode() if timestamp_url else None,
                )
            ) as signer,
            c2pa.Builder(definition, context=context) as builder,
        ):
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            if story.parent is not None:
                _add(builder, story.parent, "parentOf")
            for item in story.placed:
                _add(builder, item, "componentOf")
            sealed = io.BytesIO()
            builder.sign(signer, media_type, io.BytesIO(data), sealed)
    except Exception as error:  # the library raises many kinds; whichever it is, nothing may be released
        raise SigningImpossible(str(error) or type(error).__name__) from error
    found = read(sealed.getvalue(), media_type, certificate)
    if found is None or not found.is_ours:
        raise SigningImpossible("the manifest does not read back as ours")
    return sealed.getvalue()


def read(
    data: bytes, media_type: str, own: Certificate | None = None, trust_anchors_pem: str | None = None
) -> Manifest | None:
    """The manifest of a file, None where it has none. No network is used.

    Args:
        own: this installation's certificate, to know its own signature again.
        trust_anchors_pem: roots that the operator trusts.
    """
    import c2pa

    trust = {"trust_anchors": trust_anchors_pem} if trust_anchors_pem else {}
    report = _report(c2pa, data, media_type, trust)
    if report is None:
        return None
    state = str(report.get("validation_state", "Invalid")).lower()
    active: dict[str, Any] = report.get("manifests", {}).get(report.get("active_manifest", ""), {})
    said = active.get("signature_info") or {}
    is_ours = False
    if own is not None and state != "invalid" and str(said.get("cert_serial_number")) == _serial(own):
        allowed = _report(c2pa, data, media_type, {"trust_anchors": _issuers(own)})
        is_ours = allowed is not None and allowed.get("validation_state") == "Trusted"
    assertions = {item.get("label"): item.get("data") or {} for item in active.get("assertions", ())}
    listed = assertions.get("c2pa.actions.v2", assertions.get("c2pa.actions", {})).get("actions", [])
    source = next((a["digitalSourceType"] for a in reversed(listed) if "digitalSourceType" in a), None)
    return Manifest(
        state="trusted" if state == "trusted" else "valid" if state == "valid" else "invalid",
        is_ours=is_ours,
        signer=str(said.get("common_name") or said.get("issuer") or "unknown"),
        source_type=source.rsplit("/", 1)[-1] if source else None,
        actions=tuple(str(a.get("action")) for a in listed),
        ingredients=tuple((str(i.get("relationship")), str(i.get("title"))) for i in active.get("ingredients", ())),
        receipt=assertions.get(RECEIPT, {}),
        problems=tuple(str(item.get("explanation")) for item in report.get("validation_status", ())),
        n_manifests=len(report.get("manifests", {})),
        report=report,
    )


def _report(c2pa: Any, data: bytes, media_type: str, trust: Mapping[str, Any]) -> dict[str, Any] | None:
    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}, "trust": dict(trust)}
    try:
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader,
        ):
            report: dict[str, Any] = json.loads(reader.json())
            return report
    except c2pa.C2paError as error:
        if "ManifestNotFound" in type(error).__name__ or "no JUMBF" in str(error) or "not found" in str(error).lower():
            return None
        return {"validation_state": "Invalid", "validation_status": [{"explanation": str(error)}]}


def _context(version: str) -> Any:
    import c2pa

    generator = {"name": "adloom", "version": version or "unknown"}
    return c2pa.Context.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}, "claim_generator_info": generator},
            "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},  # it is read back below
        }
    )


def _placed(item: Ingredient, source_type: str) -> dict[str, Any]:
    return {
        "action": "c2pa.placed",
        "description": item.description,
        "digitalSourceType": SOURCE_TYPES + source_type,
        "parameters": {"ingredientIds": [item.id]},
    }


def _add(builder: Any, item: Ingredient, relationship: str) -> None:
    said = {"title": item.title, "relationship": relationship, "label": item.id, "description": item.description}
    if item.source_type:
        said["digitalSourceType"] = SOURCE_TYPES + item.source_type
    builder.add_ingredient(said, item.media_type, io.BytesIO(item.data))


def _issuers(certificate: Certificate) -> str:
    """The chain above the signer; a serial number is the signer's own only below its own issuer."""
    begin = b"-----BEGIN CERTIFICATE-----"
    above = certificate.chain_pem.split(begin)[2:] or certificate.chain_pem.split(begin)[1:]
    return b"".join(begin + part for part in above).decode()


def _serial(certificate: Certificate) -> str:
    from cryptography import x509

    return str(x509.load_pem_x509_certificates(certificate.chain_pem)[0].serial_number)
