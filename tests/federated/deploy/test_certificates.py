"""Certificates and keys: the operator's secrets, their rotation, a device's own key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_public_key,
)

from federated.deploy import certificates


def test_secrets_are_the_operators_alone(folder: Path) -> None:
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_a_ca_is_never_replaced(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        certificates.make_ca(folder)


def test_rotation_keeps_names_and_ca(folder: Path) -> None:
    before, ca = (folder / "server.pem").read_bytes(), (folder / "ca.pem").read_bytes()
    (folder / "server.key.new").write_bytes(b"of a rotation that was broken off")
    certificates.make_server_certificate(folder, certificates.server_names(folder))
    assert (folder / "server.pem").read_bytes() != before
    assert (folder / "ca.pem").read_bytes() == ca
    assert certificates.server_names(folder) == ["fleet.example.org"]


def test_a_federation_on_loopback_alone_is_rotated_too(tmp_path: Path) -> None:
    certificates.make_ca(tmp_path)
    certificates.make_server_certificate(tmp_path, ["127.0.0.1"])
    before = (tmp_path / "server.pem").read_bytes()
    certificates.make_server_certificate(tmp_path, certificates.server_names(tmp_path))
    assert (tmp_path / "server.pem").read_bytes() != before


def test_rotation_without_the_cas_own_key_is_refused(folder: Path) -> None:
    """Devices would refuse a certificate that another key has signed."""
    before = (folder / "server.pem").read_bytes()
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (folder / "ca.key").rename(elsewhere / "ca.key")
    with pytest.raises(ValueError, match=r"ca\.key is not there; put it back"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    key = load_pem_private_key((elsewhere / "ca.key").read_bytes(), None)
    hidden = BestAvailableEncryption(b"secret")
    (folder / "ca.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
    with pytest.raises(ValueError, match="without a passphrase"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    (folder / "ca.key").unlink()
    (elsewhere / "ca.key").unlink()
    certificates.make_ca(elsewhere)
    (elsewhere / "ca.key").rename(folder / "ca.key")
    with pytest.raises(ValueError, match=r"is not the key of .*ca\.pem"):
        certificates.make_server_certificate(folder, ["fleet.example.org"])
    assert (folder / "server.pem").read_bytes() == before


def test_a_devices_key_is_what_flower_takes(tmp_path: Path) -> None:
    said = certificates.make_device_key(tmp_path / "key")
    public = load_ssh_public_key(said.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp384r1"
    assert certificates.public_half(tmp_path / "key") == said
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
