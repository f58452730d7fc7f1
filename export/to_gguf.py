"""A trained Llama checkpoint (config.json, *.safetensors, tokenizer.json) -> one GGUF file.

Embeddings and head of a q4_0 model are written as Q8_0: they are a fifth of the weights and most
of the damage. Norms stay float32. The file is the same, bit for bit, for the same checkpoint.

    python -m export.to_gguf CHECKPOINT OUT.gguf --type q4_0 --name sidelong-118m \\
        --meta sidelong.prompt=thread/1 --meta general.license=apache-2.0

A checkpoint that may not ship is refused without `--research`; its file says so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType
from safetensors import safe_open

from export.q4_0 import packed

TYPES = {
    "f32": (GGMLQuantizationType.F32, GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "f16": (GGMLQuantizationType.F16, GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "q4_0": (GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q4_0),
}
"""name -> (type of the layers' matrices, type of embeddings and head, file type)."""

VOCABULARY_TENSORS = ("token_embd.weight", "output.weight")

SMOLLM_SPLIT = [
    {"type": "Digits", "individual_digits": True},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
]
"""The pre-tokenizer that llama.cpp knows as "smollm"; another would tokenize differently there."""

Config = Mapping[str, Any]


def read_config(checkpoint: Path) -> dict[str, Any]:
    """config.json. Raises `ValueError` for what this exporter can't express."""
    config: dict[str, Any] = json.loads((checkpoint / "config.json").read_text())
    problems = [
        config.get("model_type") != "llama" and f"model_type {config.get('model_type')!r}",
        config.get("rope_scaling") and "rope_scaling",
        config.get("attention_bias") and "attention_bias",
        config.get("mlp_bias") and "mlp_bias",
        "rope_theta" not in config and "no rope_theta",
    ]
    if found := [p for p in problems if p]:
        raise ValueError(f"{checkpoint / 'config.json'}: {', '.join(map(str, found))}")
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    if not config.get("head_dim"):
        config["head_dim"] = config["hidden_size"] // config["num_attention_heads"]
    return config


def ships(checkpoint: Path) -> bool:
    """Whether the data that it was trained on lets it be given to anybody (`export.train`)."""
    record = checkpoint / "training.json"
    return not record.exists() or bool(json.loads(record.read_text()).get("ships", True))


def permute(rows: np.ndarray[Any, Any], n_head: int) -> np.ndarray[Any, Any]:
    """Rows of a q or k projection (n_head * head_dim, ...) in the order that llama.cpp rotates.

    Hugging Face rotates a head's first half against its second, llama.cpp neighbours against each
    other; applies to lora_B of those projections as well.
    """
    halves = rows.reshape(n_head, 2, rows.shape[0] // n_head // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def permuted(name: str, rows: np.ndarray[Any, Any], config: Config) -> np.ndarray[Any, Any]:
    """`rows` of the tensor called `name` in Hugging Face's model, permuted if it needs to be."""
    if ".q_proj." in name:
        return permute(rows, config["num_attention_heads"])
    if ".k_proj." in name:
        return permute(rows, config["num_key_value_heads"])
    return rows


def tensors(checkpoint: Path, config: Config) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """(GGUF name, float32 values) of every tensor that llama.cpp wants."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    files = sorted(checkpoint.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{checkpoint}: no *.safetensors")
    for file in files:
        with safe_open(file, framework="pt") as weights:
            for name in sorted(weights.keys()):
                if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                    continue
                if name.endswith("rotary_emb.inv_freq"):
                    continue
                new = names.get_name(name, try_suffixes=(".weight",))
                if new is None:
                    raise ValueError(f"{file}: {name} has no place in a Llama GGUF")
                yield new, permuted(name, weights.get_tensor(name).float().numpy(), config)


def add_config(writer: GGUFWriter, config: Config) -> None:
    """Shape of the model."""
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def add_tokenizer(writer: GGUFWriter, path: Path, config: Config) -> None:
    """Pieces, merges and control tokens of a byte-level BPE tokenizer.json.

    Raises `ValueError` for one that llama.cpp would not tokenize alike.
    """
    file = json.loads(path.read_text())
    split = file["pre_tokenizer"] or {}
    if split.get("pretokenizers") != SMOLLM_SPLIT or file["normalizer"] is not None:
        raise ValueError(f"{path}: not SmolLM's way to split text")
    if file["model"]["type"] != "BPE" or file["model"].get("ignore_merges"):
        raise ValueError(f"{path}: not a plain BPE")
    pieces = {i: (piece, TokenType.NORMAL) for piece, i in file["model"]["vocab"].items()}
    for added in file["added_tokens"]:
        kind = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
        pieces[added["id"]] = (added["content"], kind)
    # Rows that the embedding has beyond the tokenizer (padding to a round number).
    filled = [
        pieces.get(i, (f"[PAD{i}]", TokenType.UNUSED))
        for i in range(max(config["vocab_size"], len(pieces)))
    ]
    if len(filled) != config["vocab_size"]:
        raise ValueError(f"{path}: {len(filled)} pieces, but {config['vocab_size']} embeddings")
    merges = [m if isinstance(m, str) else " ".join(m) for m in file["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([piece for piece, _ in filled])
    writer.add_token_types([int(kind) for _, kind in filled])
    writer.add_token_merges(merges)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    rows = {piece: i for i, (piece, kind) in pieces.items() if kind == TokenType.CONTROL}
    end = rows.get("<|im_end|>")
    add_control = {
        writer.add_bos_token_id: config.get("bos_token_id"),
        writer.add_eos_token_id: config.get("eos_token_id", end),
        writer.add_eot_token_id: end,
        writer.add_pad_token_id: config.get("pad_token_id"),
    }
    for add, token in add_control.items():
        if isinstance(token, list):
            token = token[0]
        if token is not None:
            add(token)


def add_metadata(writer: GGUFWriter, metadata: Mapping[str, str]) -> None:
    """Strings of anybody's choice; a name that is already taken raises `ValueError`."""
    for key, value in metadata.items():
        writer.add_string(key, value)


def write(writer: GGUFWriter, path: Path) -> None:
    """Write everything added so far, so that `path` is whole or absent."""
    fresh = path.with_suffix(".new")
    writer.write_header_to_file(fresh)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    fresh.replace(path)


def _quantized(values: np.ndarray[Any, Any], wanted: GGMLQuantizationType) -> np.ndarray[Any, Any]:
    """`values` as `wanted` stores them; what lies on Q4_0's grid already stays where it is."""
    kept = packed(values) if wanted == GGMLQuantizationType.Q4_0 else None
    return gguf.quants.quantize(values, wanted) if kept is None else kept


def export_model(
    checkpoint: Path,
    path: Path,
    *,
    kind: str = "q4_0",
    name: str | None = None,
    metadata: Mapping[str, str] | None = None,
    chat_template: str | None = None,
    keep: Collection[int] = (),
) -> None:
    """Write the checkpoint as GGUF; `kind` is one of `TYPES`.

    The layers in `keep`, counted from 0, are written in the type of the embeddings; the key
    sidelong.finer names them.

    The key sidelong.ships of one that may not ship is "false", which `export.release` refuses.
    Raises `ValueError` for a checkpoint that GGUF or llama.cpp can't express, and for rows that
    aren't a multiple of 32 where a quantized type is asked for.
    """
    inner, outer, file_type = TYPES[kind]
    config = read_config(checkpoint)
    writer = GGUFWriter(None, "llama")
    writer.add_type("model")
    writer.add_name(name or checkpoint.resolve().name)
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_config(writer, config)
    add_tokenizer(writer, checkpoint / "tokenizer.json", config)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    add_metadata(writer, metadata or {})
    if not ships(checkpoint):
        writer.add_string("sidelong.ships", "false")
    if keep:
        writer.add_string("sidelong.finer", " ".join(map(str, keep)))
    finer = (*VOCABULARY_TENSORS, *(f"blk.{layer}." for layer in keep))
    for tensor, values in tensors(checkpoint, config):
        wanted = outer if tensor.startswith(finer) else inner
        if values.ndim == 1:
            wanted = GGMLQuantizationType.F32
        writer.add_tensor(tensor, _quantized(values, wanted), raw_dtype=wanted)
    write(writer, path)


def export_adapter(
    path: Path,
    pairs: Mapping[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]],
    config: Config,
    *,
    alpha: float,
    name: str,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a LoRA adapter as GGUF, in float32.

    `pairs` has A (rank, in) and B (out, rank) under the module's name in Hugging Face's model
    ("model.layers.0.self_attn.q_proj"); `config` is the base's (`read_config`). llama.cpp adds
    scale * alpha / rank * B A to the module's weight.
    """
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    writer = GGUFWriter(None, "llama")
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    add_metadata(writer, metadata or {})
    for module, (a, b) in pairs.items():
        new = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        if new is None:
            raise ValueError(f"{module} has no place in a Llama GGUF")
        writer.add_tensor(f"{new}.lora_a", np.ascontiguousarray(a, np.float32))
        turned = permuted(f"{module}.weight", b, config)
        writer.add_tensor(f"{new}.lora_b", np.ascontiguousarray(turned, np.float32))
    write(writer, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=TYPES, default="q4_0")
    parser.add_argument("--name", help="general.name (default: the folder's)")
    parser.add_argument("--meta", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--keep", type=int, nargs="*", default=[], metavar="LAYER", help="as Q8_0")
    parser.add_argument("--chat-template", type=Path, help="file with a Jinja template")
    parser.add_argument("--research", action="store_true", help="also of data that may not ship")
    args = parser.parse_args()
    if not args.research and not ships(args.checkpoint):
        parser.exit(
            2,
            f"to_gguf: {args.checkpoint / 'training.json'} says that it may not ship; "
            "for an exam or a table write it with --research\n",
        )
    template = args.chat_template.read_text() if args.chat_template else None
    export_model(
        args.checkpoint,
        args.out,
        kind=args.type,
        name=args.name,
        metadata=dict(pair.split("=", 1) for pair in args.meta),
        chat_template=template,
        keep=args.keep,
    )
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, {args.type}")


if __name__ == "__main__":
    main()
