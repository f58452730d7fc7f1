"""Two devices and a server on loopback: who is let in, who may be lost, and what travels."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")

import httpx

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from federated.deploy import host
    from federated.flower import COMPLETED, environment, flwr_json, free_port
    from federated.strategy import Round
    from tests.federated.loopback import (
        PATIENCE,
        Device,
        Recorder,
        recorded_gate,
        start_run,
        superlink,
        until,
    )

from device.language.prompt import ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from tests.federated.conftest import TINY

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
BOUND = 600
"""Seconds that a round may take at most; the SuperLink misses a lost device after about 60."""
FRIENDS = ("Zephyrine", "Quillon")


@dataclass
class Story:
    """What came of it all."""

    fleet: host.Fleet
    recorder: Recorder
    devices: list[Device]
    stranger: subprocess.CompletedProcess[str]
    plaintext: subprocess.CompletedProcess[str]
    reached: dict[str, int]
    first: list[Round]
    broken: tuple[int, str]
    last: list[Round]
    said: str
    statuses: list[str]
    revoked: subprocess.CompletedProcess[str]


def rounds_of(fleet: host.Fleet) -> list[Round]:
    """The rounds that the checkpoint holds."""
    try:
        with np.load(fleet.folder / "run/checkpoint.npz") as file:
            return [Round(**r) for r in json.loads(str(file["__told__"]))["rounds"]]
    except (OSError, EOFError):
        return []


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """All of it, once: it takes minutes."""
    folder = tmp_path_factory.mktemp("loopback")
    fleet = host.set_up(folder / "fleet", ["127.0.0.1"], "127.0.0.1", free_port())
    ca = fleet.folder / "ca.pem"
    one, two, stranger = (
        Device(folder, name, friend, ca, fleet.port)
        for name, friend in (("one", FRIENDS[0]), ("two", FRIENDS[1]), ("stranger", "Ben"))
    )
    with recorded_gate(fleet) as recorder:
        try:
            with superlink(fleet) as link:
                numbers = [host.register(fleet, device.key, None) for device in (one, two)]
                refused = stranger.sidelong(*stranger.joining())
                plaintext = plaintext_node(folder, fleet.port)
                reached = reach(fleet)
                one.join()
                two.join()
                run = start_run(fleet, "rounds=3", f"timeout={BOUND}")
                until(lambda: len(rounds_of(fleet)) == 1 or run.poll() is not None, "round 1")
                two.kill()
                until(lambda: len(rounds_of(fleet)) == 2 or run.poll() is not None, "round 2")
                first, before = rounds_of(fleet), len(pushed(recorder))
                two.join()
                until(lambda: len(pushed(recorder)) > before or run.poll() is not None, "round 3")
                link.kill()
                _, err = run.communicate(timeout=PATIENCE)
                broken = (run.returncode, err)
            with superlink(fleet):
                run = start_run(fleet, "rounds=3", "resume=true", f"timeout={PATIENCE}")
                said, err = run.communicate(timeout=PATIENCE)
                assert run.returncode == 0, said + err
                until(lambda: "running" not in statuses(fleet), "the broken run is over", 5)
                found = statuses(fleet)
                host.revoke(fleet, numbers[1])
                two.kill()
                revoked = two.sidelong(*two.joining())
                yield Story(
                    fleet, recorder, [one, two], refused, plaintext, reached, first, broken,
                    rounds_of(fleet), said, found, revoked,
                )  # fmt: skip
        finally:
            one.kill()
            two.kill()


def pushed(recorder: Recorder) -> list[bytes]:
    """What devices have sent: tensors, and their messages around them."""
    return [body for path, body in recorder.seen if path.endswith("push-object")]


def statuses(fleet: host.Fleet) -> list[str]:
    """Of all runs, the oldest first."""
    runs = flwr_json(fleet.env, "list")["runs"]
    return [run["status"] for run in sorted(runs, key=lambda run: run["pending-at"])]


def plaintext_node(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """A node that asks for no TLS."""
    return subprocess.run(
        ["flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{port}", "--max-retries",
         "1", "--isolation", "process", "--port", str(free_port()), "--host", "127.0.0.1"],
        env=environment(folder / "plaintext"), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def reach(fleet: host.Fleet) -> dict[str, int]:
    """Status by path, asked from outside."""
    trust = ssl.create_default_context(cafile=str(fleet.folder / "ca.pem"))
    paths = ("/v1/control/list-runs", "/v1/runtime/acquire-task", "/v1/fleet/register-node",
             "/v1/fleet/../control/list-runs", "/docs", "/openapi.json", "/health", "/",
             "/v1/fleet/pull-messages")  # fmt: skip
    with httpx.Client(base_url=f"https://127.0.0.1:{fleet.port}", verify=trust) as client:
        return {path: client.post(path, content=b"").status_code for path in paths}


def test_a_stranger_is_refused(story: Story) -> None:
    assert story.stranger.returncode == 2
    assert "the server refuses this device" in story.stranger.stderr
    assert "Traceback" not in story.stranger.stderr


def test_plaintext_is_refused(story: Story) -> None:
    assert story.plaintext.returncode != 0
    assert "SuperNode ID" not in story.plaintext.stdout + story.plaintext.stderr
    with socket.create_connection(("127.0.0.1", story.fleet.port), timeout=20) as plain:
        plain.sendall(b"POST /v1/fleet/pull-messages HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP"), "a TLS alert at most"


def test_only_the_fleet_path_is_exposed(story: Story) -> None:
    inside = story.reached.pop("/v1/fleet/pull-messages")
    assert inside in (400, 401, 415, 422), "reaches the SuperLink, which wants a signature"
    assert set(story.reached.values()) == {404}


def test_a_device_killed_in_a_round_is_survived_within_the_bound(story: Story) -> None:
    assert [r.taken for r in story.first] == [2, 1]
    (why,) = story.first[1].refused.values()
    assert why == f"lost, or no answer within {BOUND} s"
    assert story.first[1].seconds < BOUND + 60


def test_a_server_that_was_killed_goes_on_from_its_checkpoint(story: Story) -> None:
    code, said = story.broken
    assert code == 2, "the run that was broken off is no success"
    assert "Traceback" not in said
    assert "resumed behind round 2" in story.said
    assert [r.number for r in story.last] == [1, 2, 3]
    assert [r.taken for r in story.last] == [2, 1, 2]
    assert story.last[:2] == story.first


def test_the_final_status_counts(story: Story) -> None:
    broken, resumed = story.statuses
    assert (broken == COMPLETED, resumed) == (False, COMPLETED)
    assert json.loads(story.said.splitlines()[-1])["status"] == COMPLETED


def test_a_revoked_device_is_refused(story: Story) -> None:
    assert story.revoked.returncode == 2
    assert "the server refuses this device" in story.revoked.stderr


def test_devices_ran_their_own_client(story: Story) -> None:
    """The app that was sent with the run is the simulation's, whose client does nothing here."""
    assert all(r.taken == r.asked for r in (story.last[0], story.last[2]))


def test_devices_hold_the_adapter_and_know_what_left(story: Story) -> None:
    for device in story.devices:
        lines = (device.data / "sent.jsonl").read_text().splitlines()
        sent = [json.loads(line) for line in lines]
        assert {s["tensors"] for s in sent} == {5}
        with np.load(device.data / "shared.npz") as file:
            b = [file[name].nbytes for name in file.files if name.endswith(".lora_b")]
            assert (len(b), sum(b)) == (5, sent[0]["bytes"])
    one, two = (dict(np.load(device.data / "shared.npz")) for device in story.devices)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_the_traffic_holds_no_text_no_tokens_and_no_names(story: Story) -> None:
    """All that came in, decrypted, whatever path it took."""
    bodies = [body for _, body in story.recorder.seen]
    everything = b"\0".join(bodies)
    with np.load(story.fleet.folder / "run/checkpoint.npz") as file:
        name = next(n for n in file.files if n.endswith(".lora_b"))
    assert name.encode() in everything, "what travels is not compressed, so that texts would show"
    prompt = ThreadPrompt(JsonTokenizer(TINY / "tokenizer.json"))
    for device in story.devices:
        for text in device.texts:
            assert not found(text, everything, prompt), text
    assert not any(name.encode() in everything for name in (*FRIENDS, "chat with"))
    planted = everything + device.texts[0].encode() + b"\0" + packed(prompt, device.texts[1])[0]
    assert all(found(t, planted, prompt) for t in device.texts[:2]), "the check can fail"


def test_the_traffic_is_the_tensors_and_little_else(story: Story) -> None:
    sizes = [len(body) for body in pushed(story.recorder)]
    listed = 5632  # bytes of the tiny model's five tensors
    updates = sum(r.taken for r in story.last)
    most = updates + 3  # one was lost with its device, two in the round that was broken off
    answers = most + 2  # and the two devices' empty answers to the adapter
    assert sum(sizes) >= updates * listed
    assert sum(sizes) < most * listed + answers * 4000, "no room for a second message"


def packed(prompt: ThreadPrompt, text: str) -> list[bytes]:
    """A text's tokens as bytes: little-endian int16, int32 and int64, and protobuf's varints."""
    tokens = list(prompt.answer(text))[:6]
    fixed = [struct.pack(f"<{len(tokens)}{kind}", *tokens) for kind in "hiq"]
    return [*fixed, b"".join(map(varint, tokens)), json.dumps(tokens).encode()]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def found(text: str, raw: bytes, prompt: ThreadPrompt) -> bool:
    """Whether a text or its tokens stand in these bytes."""
    forms = [text.encode(), text.encode("utf-16-le"), *packed(prompt, text)]
    return any(form in raw for form in forms)
