"""An authority, a server's certificate for localhost, and a client's with an encrypted key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY_PASSWORD = "key-secret"


@dataclass(frozen=True)
class Certificates:
    authority: Path  # its certificate
    server: Path  # key and chain
    client: str  # certificate
    client_key: str  # encrypted

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        authority_key, authority = _signed("authority", None, None)
        server_key, server = _signed("localhost", authority_key, authority)
        client_key, client = _signed("client", authority_key, authority)
        (folder / "authority.pem").write_bytes(_pem(authority))
        plain = _key(server_key, serialization.NoEncryption())
        (folder / "server.pem").write_bytes(plain + _pem(server) + _pem(authority))
        locked = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
        return cls(
            folder / "authority.pem",
            folder / "server.pem",
            _pem(client).decode(),
            _key(client_key, locked).decode(),
        )


def _signed(
    name: str, key: rsa.RSAPrivateKey | None, issuer: x509.Certificate | None
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """By the issuer, or by itself, as an authority's is."""
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((key or own).public_key()),
            critical=False,
        )
        .sign(key or own, hashes.SHA256())
    )
    return own, certificate


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key(key: rsa.RSAPrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
