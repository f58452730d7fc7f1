"""The federation's certificates (X.509, for TLS) and the devices' keys (OpenSSH, ECDSA P-384).

A CA of the operator's own signs the server's certificate; devices trust that CA and no other. A
device proves who it is with its key: the SuperLink knows the public halves (`register`).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
SERVER_DAYS = 397
"""What browsers allow; the server's certificate is renewed with the same CA (`rotate`)."""
HOST_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The gate reaches the SuperLink, and the operator both of them, by these."""


def make_ca(folder: Path) -> None:
    """Write `ca.key` and `ca.pem`. Raises `FileExistsError` where there is one already: every
    device that trusts it would be shut out."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sidelong federation")])
    usage = _key_usage(signs_certificates=True)
    certificate = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA384())
    )
    write_secret(folder / "ca.key", _pem(key))
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def make_server_certificate(folder: Path, names: Sequence[str]) -> None:
    """Write `server.key` and `server.pem` for these host names and addresses, and for loopback.

    What was there is replaced. Raises `OSError` or `ValueError` where the folder has not both parts
    of the CA.
    """
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    ca_key = _ca_key(folder / "ca.key", ca)
    key = ec.generate_private_key(ec.SECP256R1())
    every = list(dict.fromkeys((*names, *LOOPBACK)))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, every[0][:64])])
    known = general_names(every)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = (
        _builder(subject, ca.subject, key.public_key(), SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA384())
    )
    (folder / "server.key.new").unlink(missing_ok=True)  # of a rotation that was broken off
    write_secret(folder / "server.key.new", _pem(key))
    fresh = folder / "server.pem.new"
    fresh.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key.new").replace(folder / "server.key")
    fresh.replace(folder / "server.pem")


def _ca_key(path: Path, ca: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    """The key of this CA. Raises `OSError` or `ValueError`."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise ValueError(f"{path} is not there; put it back as long as this takes") from None
    except TypeError as error:  # it has a passphrase
        raise ValueError(f"{path}: {error}; put it there without a passphrase") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
        raise ValueError(f"{path} is not the key of {path.with_suffix('.pem')}; put that one there")
    return key


def server_names(folder: Path) -> list[str]:
    """The names that the server's certificate is for, loopback's left out. Raises `OSError`."""
    certificate = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found if str(name.value) not in LOOPBACK]


def expires(path: Path) -> dt.date:
    """The day on which a certificate ends. Raises `OSError` or `ValueError`."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.date()


def make_device_key(path: Path) -> str:
    """Write a device's key at `path`, readable by its owner alone; returns its public half.

    Raises `FileExistsError` where there is one already.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    write_secret(path, private)
    return _openssh(key)


def public_half(path: Path) -> str:
    """The public half of a device's key, as `register` takes it.

    Raises `OSError` or `ValueError`.
    """
    key = serialization.load_ssh_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is no ECDSA key")
    return _openssh(key)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that nobody else may read. Raises `FileExistsError`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """Names as a certificate has them. Raises `ValueError` with the one that is none."""
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not HOST_NAME.fullmatch(name):
        raise ValueError(
            f"{name}: no host name; write it in ASCII (xn--...), without port and scheme"
        )
    return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _openssh(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return public.decode("ascii")
