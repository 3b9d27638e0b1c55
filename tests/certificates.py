"""A CA, a server's certificate and a client's, for servers that don't make their own (MariaDB 10.11)."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Certificates:
    """PEM files; the server's certificate is for localhost and 127.0.0.1."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    @property
    def server_options(self) -> tuple[str, ...]:
        """Give these to `start(build, directory, options=…)`."""
        return (f"--ssl-ca={self.ca}", f"--ssl-cert={self.server}", f"--ssl-key={self.server_key}")


def make(directory: Path) -> Certificates:
    """Write all five files into `directory`; they are valid for a day."""
    ca_key = _key(directory / "ca-key.pem")
    ca = _certificate(directory / "ca.pem", "rlops test CA", ca_key, "rlops test CA", ca_key)
    made = {"ca": ca}
    for name in ("server", "client"):
        key = _key(directory / f"{name}-key.pem")
        made[name] = _certificate(directory / f"{name}.pem", f"rlops test {name}", key, "rlops test CA", ca_key)
        made[f"{name}_key"] = directory / f"{name}-key.pem"
    return Certificates(**made)


def _key(path: Path) -> Key:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)
    return key


def _certificate(path: Path, subject: str, key: Key, issuer: str, issuer_key: Key) -> Path:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=key is issuer_key, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path
