"""Drafts as the device writes them: the shipped GGUF, an adapter as GGUF, llama.cpp's sampler."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from device.language.engine import Sampling
from device.language.llama_engine import LlamaEngine
from device.language.prompt import ThreadPrompt, thread_tokens
from export.metrics import best_rouge_l
from federated.adapters import Arrays, write_gguf
from federated.settings import Settings
from federated.task import DRAFTS_CONTEXT, LIMIT, Bench
from federated.users import Sent

DRAFTS = 3
LONGEST = 48
"""Tokens of a draft at most."""


def best_of_three(
    settings: Settings, bench: Bench, sents: Sequence[Sent], arrays: Arrays, folder: Path
) -> tuple[float, float]:
    """(without an adapter, with this one): mean best ROUGE-L of three drafts, in percent.

    The intent is the true reply's, so that style is compared and not what to say; the same seeds
    serve both. `folder` holds the adapter while it is used.
    """
    engine = LlamaEngine(settings.path("gguf"), n_ctx=DRAFTS_CONTEXT, n_seqs=DRAFTS + 1, threads=1)
    try:
        none = _mean(engine, bench.prompt, sents, settings.seed)
        path = folder / "adapter.gguf"
        write_gguf(path, arrays, bench.config, settings, "personal")
        engine.set_adapter(path)
        return none, _mean(engine, bench.prompt, sents, settings.seed)
    finally:
        engine.shut()


def _mean(engine: LlamaEngine, prompt: ThreadPrompt, sents: Sequence[Sent], seed: int) -> float:
    """Over the moments; of several true replies the first is asked for."""
    scores = []
    for sent in sents:
        reply = sent.replies[0]
        trunk, _ = thread_tokens(prompt, sent.thread, LIMIT)
        seq = engine.open()
        engine.extend(seq, [*trunk, *prompt.reply(reply.intent, sent.thread)])
        forks = engine.fork(seq, DRAFTS)
        written: list[list[int]] = [[] for _ in forks]
        sampling = Sampling(temperature=0.8, top_p=0.95, seed=seed)
        for step in engine.generate(forks, sampling, prompt.stop, LONGEST):
            for tokens, token in zip(written, step, strict=True):
                if token is not None:
                    tokens.append(token)
        for open_seq in (seq, *forks):
            engine.close(open_seq)
        drafts = [engine.vocabulary.decode(tokens).decode(errors="replace") for tokens in written]
        scores.append(best_rouge_l([reply.text], drafts))
    return sum(scores) / len(scores)
