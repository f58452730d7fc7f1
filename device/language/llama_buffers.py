"""Where llama.cpp keeps weights in memory: its AMX buffers are kept out of use.

On CPUs with AMX llama.cpp repacks weights for its tiles and, built by GCC, dies at the first
`ldtilecfg`: the compiler takes most of the tile configuration for a dead store, because the
intrinsic declares only its first 8 bytes as read (ggml-org/llama.cpp#20824 has the same trace).
The other repacked layout, which AVX2 and ARM use, is sound, but it is not chosen where AMX is.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import llama_cpp.llama_cpp as llama
from llama_cpp._ggml import libggml

from device.language.gguf_header import GgufHeader

_CPU = 0
_MATRICES = r"\d+\.(attn_(q|k|v|output)|ffn_(gate|up|down))\.weight$"


class _Override(ctypes.Structure):
    """`llama_model_tensor_buft_override` of llama.h; a null pattern ends a list."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def has_amx() -> bool:
    """Whether llama.cpp, as it is built here, puts weights into AMX buffers by itself."""
    return b"AMX_INT8 = 1" in llama.llama_print_system_info()


def avoid_amx(params: Any, header: GgufHeader) -> object:
    """Change `llama_model_params` so that no weight goes into an AMX buffer.

    Does nothing on other CPUs. Returns what must live until the model is loaded.
    """
    if not has_amx():
        return None
    params.use_extra_bufts = False
    # Only our own files are known to hold nothing in their blocks but rows that can be repacked.
    if header.prompt is None or header.quantization != "Q4_0":
        return None
    repacked = _extra_buffer_types().get("CPU_REPACK")
    if repacked is None:
        return None
    # A layer in Q8_0 has no repacked layout here, and llama.cpp dies of one that is put there.
    finer = "".join(rf"(?!{layer}\.)" for layer in header.finer)
    blocks = rf"^blk\.{finer}{_MATRICES}"
    overrides = (_Override * 2)(_Override(blocks.encode(), repacked))
    params.tensor_buft_overrides = ctypes.addressof(overrides)
    return overrides


@cache
def _extra_buffer_types() -> dict[str, int]:
    """llama.cpp's extra buffer types for the CPU, by name."""
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    device = ctypes.CFUNCTYPE(pointer, ctypes.c_int)(("ggml_backend_dev_by_type", libggml))
    registry = ctypes.CFUNCTYPE(pointer, pointer)(("ggml_backend_dev_backend_reg", libggml))
    address = ctypes.CFUNCTYPE(pointer, pointer, text)(
        ("ggml_backend_reg_get_proc_address", libggml)
    )
    name = ctypes.CFUNCTYPE(text, pointer)(("ggml_backend_buft_name", libggml))
    cpu = device(_CPU)
    found = address(registry(cpu), b"ggml_backend_dev_get_extra_bufts")
    if not found:
        return {}
    types = ctypes.CFUNCTYPE(ctypes.POINTER(pointer), pointer)(found)(cpu)
    names: dict[str, int] = {}
    for i in range(16):
        if not types[i]:
            break
        names[name(types[i]).decode()] = types[i]
    return names
