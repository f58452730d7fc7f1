"""The emoji protocol, both ways of starting it, and everything that can go against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vodozemac import Sas

from device.connectors.matrix_sas import Out, Party, Verification

ANNA = Party("@anna:example.org", "GLASSES", "anna's key")
BEN = Party("@ben:example.org", "PHONE", "ben's key")

Tamper = Callable[[str, dict[str, Any]], dict[str, Any]]


def untouched(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return content


def exchange(
    first: Verification,
    second: Verification,
    out: list[Out],
    tamper: Tamper = untouched,
) -> list[str]:
    """Carry messages between the two, `out` from `first`; both confirm when both see emoji."""
    queue = [(second, message) for message in out]
    kinds, confirmed = [], False
    while queue:
        to, (kind, content) = queue.pop(0)
        kinds.append(kind)
        other = first if to is second else second
        queue += [(other, message) for message in to.receive(kind, tamper(kind, content))]
        if first.emoji and second.emoji and not confirmed:
            assert first.emoji == second.emoji
            assert len(first.emoji) == 7
            confirmed = True
            queue += [(second, m) for m in first.confirm()]
            queue += [(first, m) for m in second.confirm()]
    return kinds


def begun() -> tuple[Verification, Verification]:
    """Anna has asked; Ben has heard."""
    anna, [(kind, content)] = Verification.begin(ANNA, BEN)
    assert kind == "request"
    assert content["methods"] == ["m.sas.v1"]
    return anna, Verification(BEN, ANNA, content["transaction_id"])


def test_the_asking_side_starts() -> None:
    anna, ben = begun()
    kinds = exchange(ben, anna, ben.agree())
    assert kinds == ["ready", "start", "accept", "key", "key", "mac", "mac", "done", "done"]
    assert anna.is_done
    assert ben.is_done


def start(by: Party, transaction: str) -> dict[str, Any]:
    """What an older program begins with."""
    return {
        "from_device": by.device,
        "method": "m.sas.v1",
        "transaction_id": transaction,
        "key_agreement_protocols": ["curve25519-hkdf-sha256", "curve25519"],
        "hashes": ["sha256"],
        "message_authentication_codes": ["hkdf-hmac-sha256.v2", "hkdf-hmac-sha256"],
        "short_authentication_string": ["decimal", "emoji"],
    }


def test_both_start_at_once() -> None:
    anna, ben = begun()
    [ready] = ben.agree()
    [(_, annas)] = anna.receive(*ready)
    [(_, bens)] = ben.receive("ready", {"methods": ["m.sas.v1"]})
    assert anna.receive("start", bens) == []  # hers is the smaller name
    [accept] = ben.receive("start", annas)
    exchange(ben, anna, [accept])
    assert anna.is_done
    assert ben.is_done


def test_a_start_without_a_request_waits_for_the_wearer() -> None:
    anna = Verification(ANNA, BEN, "t")
    assert anna.receive("start", start(BEN, "t")) == []
    [(kind, content)] = anna.agree()
    assert kind == "accept"
    assert content["short_authentication_string"] == ["emoji"]


@pytest.mark.parametrize(
    "lacking", ["method", "key_agreement_protocols", "hashes", "message_authentication_codes",
                "short_authentication_string"]
)  # fmt: skip
def test_a_start_without_a_common_way(lacking: str) -> None:
    anna = Verification(ANNA, BEN, "t")
    [(kind, content)] = anna.receive("start", {**start(BEN, "t"), lacking: []})
    assert (kind, content["code"]) == ("cancel", "m.unknown_method")


def changed(kind: str, **values: Any) -> Tamper:
    """One field of one kind of message, as a server in the middle would change it."""

    def tamper(this: str, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, **values} if this == kind else content

    return tamper


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (changed("accept", commitment="other"), "m.mismatched_commitment"),
        (changed("accept", hash="md5"), "m.unknown_method"),
        (changed("key", key=Sas().public_key.to_base64()), "m.mismatched_commitment"),
        (changed("key", key="no key"), "m.unexpected_message"),
        (changed("mac", keys="other"), "m.key_mismatch"),
        (changed("mac", mac={}), "m.key_mismatch"),
        (changed("mac", mac=None), "m.unexpected_message"),
        (changed("ready", methods=["m.qr_code.show.v1"]), "m.unknown_method"),
    ],
)
def test_what_is_changed_on_the_way_ends_it(tamper: Tamper, code: str) -> None:
    anna, ben = begun()
    exchange(ben, anna, ben.agree(), tamper)
    assert code in (anna.cancelled, ben.cancelled)
    assert not anna.is_done
    assert not ben.is_done


def test_another_key_than_the_servers_ends_it() -> None:
    anna, [(_, request)] = Verification.begin(ANNA, Party(BEN.user, BEN.device, "a false key"))
    ben = Verification(BEN, ANNA, request["transaction_id"])
    exchange(ben, anna, ben.agree())
    assert anna.cancelled == "m.key_mismatch"
    assert not anna.is_done


def test_a_wearer_who_sees_others_or_calls_it_off() -> None:
    anna, ben = begun()
    [message] = anna.cancel("m.mismatched_sas")
    assert ben.receive(*message) == []
    assert ben.cancelled == "m.mismatched_sas"
    assert ben.receive("start", start(ANNA, "t")) == []
    assert anna.cancel() == []
    with pytest.raises(ValueError, match="no emoji yet"):
        anna.confirm()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["methods", "key", "mac", "keys", "method", "x"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ready", "start", "accept", "key", "mac", "done", "cancel", "else"]),
            st.dictionaries(
                st.sampled_from(["methods", "key", "mac", "keys", "method", "hash", "code"]), JSON
            ),
        ),
        max_size=6,
    )
)
def test_no_order_of_malformed_messages_verifies_or_raises(messages: list[Out]) -> None:
    anna, _ = begun()
    for kind, content in messages:
        anna.receive(kind, content)
    assert not anna.is_done
