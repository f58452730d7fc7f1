"""Drafts by the device's own engine: the shipped GGUF, with an adapter as GGUF.

Three of one intent, so they are sampled; the device itself decodes each intent once, greedily.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from device.language.engine import Sampling
from device.language.llama_engine import LlamaEngine
from device.language.prompt import ThreadPrompt, thread_tokens
from device.messages import Draft
from export.metrics import best_rouge_l
from federated.adapters import Arrays, write_gguf
from federated.settings import Settings
from federated.task import DRAFTS_CONTEXT, LIMIT, Bench
from federated.users import Sent

DRAFTS = 3
LONGEST = 48
"""Tokens of a draft at most."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was drafted with one adapter."""

    best3: float
    """Mean over the moments of the best ROUGE-L of three drafts, in percent."""
    moments: list[Sent]
    """The moments, with the drafts in the place of the replies."""


def written(
    settings: Settings, bench: Bench, sents: Sequence[Sent], ways: Mapping[str, Arrays]
) -> dict[str, Written]:
    """Three drafts a moment with each adapter.

    The intent is the true reply's, so that style is compared and not what to say; the same seeds
    serve all. Of several true replies the first is asked for.
    """
    engine = LlamaEngine(settings.path("gguf"), n_ctx=DRAFTS_CONTEXT, n_seqs=DRAFTS + 1, threads=1)
    found: dict[str, Written] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for way, arrays in ways.items():
                path = Path(folder) / f"{way}.gguf"
                write_gguf(path, arrays, bench.config, settings, "personal")
                engine.set_adapter(path)
                moments = [
                    _moment(engine, bench.prompt, sent, settings.seed + n)
                    for n, sent in enumerate(sents)
                ]
                scores = [
                    best_rouge_l([sent.replies[0].text], [draft.text for draft in moment.replies])
                    for sent, moment in zip(sents, moments, strict=True)
                ]
                found[way] = Written(sum(scores) / len(scores), moments)
    finally:
        engine.shut()
    return found


def _moment(engine: LlamaEngine, prompt: ThreadPrompt, sent: Sent, seed: int) -> Sent:
    """The moment with three drafts for its replies."""
    intent = sent.replies[0].intent
    trunk, _ = thread_tokens(prompt, sent.thread, LIMIT)
    seq = engine.open()
    engine.extend(seq, [*trunk, *prompt.reply(intent, sent.thread)])
    forks = engine.fork(seq, DRAFTS)
    tokens: list[list[int]] = [[] for _ in forks]
    sampling = Sampling(temperature=0.8, top_p=0.95, seed=seed)
    for step in engine.generate(forks, sampling, prompt.stop, LONGEST):
        for mine, token in zip(tokens, step, strict=True):
            if token is not None:
                mine.append(token)
    for open_seq in (seq, *forks):
        engine.close(open_seq)
    texts = (engine.vocabulary.decode(mine).decode(errors="replace").strip() for mine in tokens)
    return Sent(sent.thread, tuple(Draft(intent, text) for text in texts))
