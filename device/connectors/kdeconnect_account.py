"""This device as phones know it, and the phones that it knows.

One folder (mode 0700), each file of mode 0600: `certificate.pem` and `key.pem`, made once, whose
common name is this device's id; `phones.json` with the certificate of every paired phone;
`state.sqlite` with what was taken from them (`kdeconnect_journal`). Whoever has the key can read
what a paired phone shows.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device.connectors.kdeconnect_packets import Identity
from device.disk import write_atomically
from device.errors import ConnectorError
from device.settings import default_data_dir

CERTIFICATE, KEY, PHONES = "certificate.pem", "key.pem", "phones.json"
NAME = "Sidelong"


@dataclass(frozen=True, slots=True)
class Phone:
    """A paired phone."""

    device: str
    """Its id, as in `Identity`."""
    name: str
    """What it is called by now; anybody can choose any name."""
    certificate: str
    """DER in base64: the only one that this phone is believed with."""
    version: int
    """Of the protocol it spoke last; an older one is refused."""
    address: str
    """Where it was last: an IPv4 address."""

    @property
    def der(self) -> bytes:
        """Its certificate."""
        return base64.b64decode(self.certificate)


def kdeconnect_folder() -> Path:
    """Where this device's key and the paired phones lie. Not made here."""
    return default_data_dir() / "kdeconnect"


class Account:
    """This device's key pair and the paired phones, in `folder`. Raises `ConnectorError`."""

    def __init__(self, folder: Path):
        """Makes the folder and the key pair where there is none."""
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            if not (folder / CERTIFICATE).exists():
                self._make()
            self.der = x509.load_pem_x509_certificate(
                self.certificate_path.read_bytes()
            ).public_bytes(serialization.Encoding.DER)
            self._phones = {phone.device: phone for phone in self._load()}
        except (OSError, ValueError, TypeError) as error:
            raise ConnectorError(
                f"{folder}: can't be read: {error}; remove that folder, then pair again"
            ) from error
        self.device = common_name(self.der)

    @property
    def certificate_path(self) -> Path:
        """PEM, for `ssl`."""
        return self.folder / CERTIFICATE

    @property
    def key_path(self) -> Path:
        """PEM, for `ssl`."""
        return self.folder / KEY

    @property
    def phones(self) -> tuple[Phone, ...]:
        """All that are paired."""
        return tuple(self._phones.values())

    def phone(self, device: str) -> Phone | None:
        """The paired phone with that id."""
        return self._phones.get(device)

    def add(self, identity: Identity, der: bytes, address: str) -> Phone:
        """Trust a device with this certificate from now on."""
        certificate = base64.b64encode(der).decode()
        phone = Phone(identity.device, identity.name, certificate, identity.version, address)
        self._phones[phone.device] = phone
        self._save()
        return phone

    def seen(self, phone: Phone, identity: Identity, address: str) -> None:
        """Remember where a phone is, and what it is called and speaks by now."""
        now = replace(phone, name=identity.name, version=identity.version, address=address)
        if now != phone:
            self._phones[phone.device] = now
            self._save()

    def remove(self, device: str) -> None:
        """Trust it no longer."""
        if self._phones.pop(device, None):
            self._save()

    def _load(self) -> list[Phone]:
        path = self.folder / PHONES
        if not path.exists():
            return []
        phones = [Phone(**values) for values in json.loads(path.read_text(encoding="utf-8"))]
        for phone in phones:
            if common_name(phone.der) != phone.device or not isinstance(phone.version, int):
                raise ValueError(f"{PHONES}: the entry of {phone.device!r} is broken")
        return phones

    def _save(self) -> None:
        text = json.dumps([asdict(phone) for phone in self.phones], indent=1) + "\n"
        try:
            write_atomically(self.folder / PHONES, text)
        except OSError as error:
            raise ConnectorError(f"{self.folder}: can't be kept: {error.strerror}") from error

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([
            x509.NameAttribute(NameOID.COMMON_NAME, uuid.uuid4().hex),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "KDE"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "KDE Connect"),
        ])  # fmt: skip
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            # Clocks differ: a certificate of this minute may be one of tomorrow elsewhere.
            .not_valid_before(now - dt.timedelta(days=365))
            .not_valid_after(now + dt.timedelta(days=3650))
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The certificate last: where it is, the key is.
        write_atomically(self.key_path, private.decode())
        write_atomically(self.certificate_path, certificate.public_bytes(pem).decode())


def common_name(der: bytes) -> str:
    """Whose a certificate says it is; empty where it doesn't say, or is none."""
    try:
        subject = x509.load_der_x509_certificate(der).subject
    except ValueError:
        return ""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def public_key(der: bytes) -> bytes:
    """A certificate's public key (DER, SubjectPublicKeyInfo). Raises `ConnectorError`."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except ValueError as error:
        raise ConnectorError(f"the other device's certificate can't be read: {error}") from error
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
