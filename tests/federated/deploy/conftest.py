"""A federation's certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from federated.deploy import certificates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificates.make_ca(tmp_path)
    certificates.make_server_certificate(tmp_path, ["fleet.example.org"])
    return tmp_path
