"""What leaves a client: the tensors of one list, and in a simulation the figures of another."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr", reason="flwr is in the extra `federated`")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # while others are imported: not ours to mend
    from flwr.app import Context, Message, RecordDict
    from flwr.app.message_type import MessageType

    from federated.flower_app.client_app import app
    from federated.strategy import messages

from export.to_gguf import read_config
from federated import privacy
from federated.adapters import clipped, initial, nbytes, sent
from federated.settings import Settings
from federated.users import read_partition, split, write_partitions
from tests.federated.conftest import sents

pytestmark = pytest.mark.usefixtures("inside_a_run")


def answer(settings: Settings, kind: str, node_config: dict[str, int]) -> Message:
    """What the app's client says to a server that asks it for this."""
    config = read_config(settings.path("model"))
    shared = sent(initial(config, settings), settings)
    (asked,) = messages([1], kind, settings, shared, 1)
    return app(asked, Context(1, 1, node_config, RecordDict(), {}))


@pytest.fixture
def ann(settings: Settings) -> Settings:
    """One user's file lies where the client looks for it."""
    user = split("ann", sents("ann", 20), 24)
    assert user is not None
    write_partitions([user], settings.path("out") / "users")
    return settings


@pytest.mark.parametrize("method", ["ffa", "avg", "svd"])
def test_a_round_sends_the_listed_tensors_and_nothing_beside(ann: Settings, method: str) -> None:
    settings = dataclasses.replace(ann, method=method)
    reply = answer(settings, MessageType.TRAIN, {"partition-id": 0})
    listed = privacy.may_leave(read_config(settings.path("model")), settings)
    assert list(reply.content) == ["update"], "no figure, no count, no time"
    record = reply.content.array_records["update"]
    assert {n: tuple(a.shape) for n, a in record.items()} == listed
    assert {a.dtype for a in record.values()} == {"float32"}
    assert all(n.endswith((".lora_a", ".lora_b")) for n in listed)
    assert any(n.endswith(".lora_a") for n in listed) == (method != "ffa")


def test_the_message_holds_no_text_and_no_tokens(ann: Settings) -> None:
    reply = answer(ann, MessageType.TRAIN, {"partition-id": 0})
    raw = b"".join(array.data for array in reply.content.array_records["update"].values())
    user = read_partition(ann.path("out") / "users", 0)
    texts = [r.text for s in (*user.train, *user.gate, *user.test) for r in s.replies]
    assert all(text.encode() not in raw for text in [*texts, *(t.split()[0] for t in texts)])
    size = nbytes(sent(initial(read_config(ann.path("model")), ann), ann))
    assert len(raw) - size == 128 * len(reply.content.array_records["update"]), "NumPy's headers"


def test_an_examined_client_answers_the_listed_figures(ann: Settings) -> None:
    reply = answer(ann, MessageType.EVALUATE, {"partition-id": 0})
    assert list(reply.content) == ["figures"]
    figures = dict(reply.content.metric_records["figures"])
    assert set(figures) == set(privacy.FIGURES)
    assert {type(v) for v in figures.values()} == {float}


@pytest.mark.parametrize("kind", [MessageType.TRAIN, MessageType.EVALUATE])
def test_a_device_is_neither_trained_nor_examined_by_the_simulations_app(
    ann: Settings, kind: str
) -> None:
    reply = answer(ann, kind, {})
    assert reply.has_error()
    assert reply.error.reason == "RuntimeError"


def test_an_error_leaves_as_one_of_a_few_words(ann: Settings, tmp_path: Path) -> None:
    for file in (ann.path("out") / "users").iterdir():
        file.unlink()
    reply = answer(ann, MessageType.TRAIN, {"partition-id": 0})
    assert reply.error.reason == "OSError", "no path, no name"

    class Quoting(Exception):
        pass

    assert privacy.kind_of(Quoting("see you at 8")) == "Exception"
    assert privacy.kind_of(FileNotFoundError("/home/ann")) == "OSError"


def test_what_is_not_listed_must_not_leave(settings: Settings) -> None:
    config = read_config(settings.path("model"))
    shapes = privacy.may_leave(config, settings)
    draw = np.random.default_rng(0)
    good = {n: draw.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    good, _ = clipped(good, settings.clip)
    assert privacy.outgoing(good, config, settings).keys() == good.keys()
    first = next(iter(good))
    for bad, reason in (
        (good | {"text": np.zeros(3, np.float32)}, "unknown"),
        (good | {first: np.zeros((2, 2), np.float32)}, "shape"),
        (good | {first: good[first].astype(np.int64)}, "int64"),
        (good | {first: np.full_like(good[first], np.nan)}, "NaN"),
        ({n: 2 * v for n, v in good.items()}, "norm"),
    ):
        with pytest.raises(ValueError, match=f"must not leave.*{reason}"):
            privacy.outgoing(bad, config, settings)


def test_the_default_settings_list() -> None:
    config = {"hidden_size": 576, "intermediate_size": 1536, "num_key_value_heads": 3,
              "num_attention_heads": 9, "head_dim": 64, "num_hidden_layers": 30}  # fmt: skip
    listed = privacy.may_leave(config, Settings())
    assert listed == {n: v.shape for n, v in sent(initial(config, Settings()), Settings()).items()}
    assert len(listed) == 20
    assert sum(4 * int(np.prod(s)) for s in listed.values()) == 442_368


logging.getLogger("flwr").setLevel(logging.ERROR)
