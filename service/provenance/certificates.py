"""The certificate that signs manifests: the operator's own, or a test certificate made here and named as such.

A test certificate proves that a picture comes from this installation to this installation; everybody else sees an
unknown signer, and the name says why.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from service.errors import ServiceError
from service.settings import keep_secret

TEST_NAME = "adloom TEST certificate (not trusted, made by this installation)"
VALID_DAYS = 3_650
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")


class SigningImpossible(ServiceError):
    """A signed manifest was demanded and cannot be made: nothing is released instead of something unsigned."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the picture was not released: its manifest cannot be signed ({reason})")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain, its key and what to call the signer."""

    chain_pem: bytes  # the signer's certificate first
    key_pem: bytes
    algorithm: str
    is_test: bool
    subject: str
    fingerprint: str  # sha256 of the signer's certificate


def load(certificate: Path | None, key: Path | None, algorithm: str, folder: Path) -> Certificate:
    """The operator's certificate where one is set, else this installation's test certificate.

    Args:
        folder: where the test certificate is kept; it is made at the first use.

    Raises:
        SigningImpossible: only one of the two files is set, a file cannot be read, they do not belong together, or the
            certificate is not valid now.
    """
    if (certificate is None) != (key is None):
        raise SigningImpossible("ADLOOM_C2PA_CERTIFICATE and ADLOOM_C2PA_KEY belong together; one of them is missing")
    if certificate is not None and key is not None:
        return _checked(_read(certificate), _read(key), algorithm, is_test=False)
    both = keep_secret(folder / "test-certificate.pem", _make_test_pair()).encode()
    split = both.index(b"-----BEGIN CERTIFICATE-----")
    return _checked(both[split:], both[:split], "es256", is_test=True)


def fingerprint_of(pem: bytes) -> str:
    """sha256 of the first certificate of a chain."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256()).hex()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningImpossible(f"{path.name} cannot be read: {error.strerror}") from error


def _checked(chain: bytes, key: bytes, algorithm: str, *, is_test: bool) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    if algorithm not in ALGORITHMS:
        raise SigningImpossible(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError, IndexError) as error:
        raise SigningImpossible(f"the certificate or its key is not PEM that can be used: {error}") from error
    plain = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*plain) != first.public_key().public_bytes(*plain):
        raise SigningImpossible("the key does not belong to the certificate")
    now = datetime.datetime.now(datetime.UTC)
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        raise SigningImpossible(f"the certificate was valid until {first.not_valid_after_utc:%Y-%m-%d} only")
    return Certificate(chain, key, algorithm, is_test, first.subject.rfc4514_string(), fingerprint_of(chain))


def _make_test_pair() -> str:
    """Key, signer's certificate and the authority that signed it, PEM. The authority's key is thrown away."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "adloom TEST"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    authority, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    end = begin + datetime.timedelta(days=VALID_DAYS)
    root_name = name("adloom TEST authority (not trusted)")

    def start(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        )

    def usage(*, signs_certificates: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=not signs_certificates,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=signs_certificates,
            crl_sign=signs_certificates,
            encipher_only=False,
            decipher_only=False,
        )

    root = (
        start(root_name, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(usage(signs_certificates=True), True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        start(name(TEST_NAME), signer.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(usage(signs_certificates=False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        .sign(authority, hashes.SHA256())
    )
    key = signer.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return (key + leaf.public_bytes(pem) + root.public_bytes(pem)).decode()
