"""ctypes bindings of llama.cpp's C API in the `xllamacpp` wheel: the structures and functions that are used.

The wheel's own Python interface is llama.cpp's HTTP server. It listens on a port, writes to standard error, and takes
`<|im_end|>` in a message for the end of the turn; so the library below it is called instead. Structures are passed by
value, and their layout changes between versions: hence the exact pin, which is checked on loading.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import logging
import os
from collections import deque
from ctypes import c_bool, c_char_p, c_float, c_int, c_int8, c_int32, c_size_t, c_uint32, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from rider_core.api import openmp
from rider_core.errors import ProviderUnavailable

os.environ.update(openmp.environment())
# ggml would attach a debugger, if one is installed, to a process with a failed assertion. That takes seconds.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

log = logging.getLogger(__name__)

#: The version whose `include/llama.h` the structures below follow; the same as in pyproject.toml.
PACKAGE, VERSION = "xllamacpp", "2026.10.11549"

TOKEN_CONTROL, TOKEN_LSTRIP, TOKEN_RSTRIP = 1 << 3, 1 << 7, 1 << 8
#: ggml's error level. Logged as info: each such error also leads to an exception.
_GGML_ERROR = 4

LogCallback = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)


class ModelParams(ctypes.Structure):
    """`struct llama_model_params`."""

    _fields_: ClassVar[Any] = [
        ("devices", c_void_p),
        ("tensor_buft_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int),
        ("load_mode", c_int),
        ("lazy_mode", c_int),
        ("main_gpu", c_int32),
        ("tensor_split", c_void_p),
        ("progress_callback", c_void_p),
        ("progress_callback_user_data", c_void_p),
        ("kv_overrides", c_void_p),
        ("vocab_only", c_bool),
        ("check_tensors", c_bool),
        ("use_extra_bufts", c_bool),
        ("no_host", c_bool),
        ("no_alloc", c_bool),
        ("load_mtp", c_bool),
    ]


class ContextParams(ctypes.Structure):
    """`struct llama_context_params`."""

    _fields_: ClassVar[Any] = [
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("n_rs_seq", c_uint32),
        ("n_outputs_max", c_uint32),
        ("n_outputs_max_per_seq", c_uint32),
        ("n_threads", c_int32),
        ("n_threads_batch", c_int32),
        ("ctx_type", c_int),
        ("rope_scaling_type", c_int),
        ("pooling_type", c_int),
        ("attention_type", c_int),
        ("flash_attn_type", c_int),
        ("rope_freq_base", c_float),
        ("rope_freq_scale", c_float),
        ("yarn_ext_factor", c_float),
        ("yarn_attn_factor", c_float),
        ("yarn_beta_fast", c_float),
        ("yarn_beta_slow", c_float),
        ("yarn_orig_ctx", c_uint32),
        ("defrag_thold", c_float),
        ("cb_eval", c_void_p),
        ("cb_eval_user_data", c_void_p),
        ("type_k", c_int),
        ("type_v", c_int),
        ("moe_cache_size", c_size_t),
        ("abort_callback", c_void_p),
        ("abort_callback_data", c_void_p),
        ("embeddings", c_bool),
        ("offload_kqv", c_bool),
        ("no_perf", c_bool),
        ("op_offload", c_bool),
        ("swa_full", c_bool),
        ("kv_unified", c_bool),
        ("samplers", c_void_p),
        ("n_samplers", c_size_t),
        ("ctx_other", c_void_p),
    ]


class Batch(ctypes.Structure):
    """`struct llama_batch`."""

    _fields_: ClassVar[Any] = [
        ("n_tokens", c_int32),
        ("token", ctypes.POINTER(c_int32)),
        ("embd", ctypes.POINTER(c_float)),
        ("pos", ctypes.POINTER(c_int32)),
        ("n_seq_id", ctypes.POINTER(c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(c_int32))),
        ("logits", ctypes.POINTER(c_int8)),
    ]


class ChatMessage(ctypes.Structure):
    """`struct llama_chat_message`."""

    _fields_: ClassVar[Any] = [("role", c_char_p), ("content", c_char_p)]


class SamplerChainParams(ctypes.Structure):
    """`struct llama_sampler_chain_params`."""

    _fields_: ClassVar[Any] = [("no_perf", c_bool)]


#: Function to its result type and argument types. Functions that are not listed are not called.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "llama_backend_init": (None, []),
    "llama_log_set": (None, [LogCallback, c_void_p]),
    "llama_model_default_params": (ModelParams, []),
    "llama_model_load_from_file": (c_void_p, [c_char_p, ModelParams]),
    "llama_model_free": (None, [c_void_p]),
    "llama_model_get_vocab": (c_void_p, [c_void_p]),
    "llama_model_n_ctx_train": (c_int32, [c_void_p]),
    "llama_model_has_decoder": (c_bool, [c_void_p]),
    "llama_model_has_encoder": (c_bool, [c_void_p]),
    "llama_model_is_diffusion": (c_bool, [c_void_p]),
    "llama_model_chat_template": (c_char_p, [c_void_p, c_char_p]),
    "llama_model_desc": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "llama_chat_apply_template": (
        c_int32,
        [c_char_p, ctypes.POINTER(ChatMessage), c_size_t, c_bool, c_char_p, c_int32],
    ),
    "llama_context_default_params": (ContextParams, []),
    "llama_init_from_model": (c_void_p, [c_void_p, ContextParams]),
    "llama_free": (None, [c_void_p]),
    "llama_n_ctx": (c_uint32, [c_void_p]),
    "llama_get_memory": (c_void_p, [c_void_p]),
    "llama_memory_clear": (None, [c_void_p, c_bool]),
    "llama_memory_seq_rm": (c_bool, [c_void_p, c_int32, c_int32, c_int32]),
    "llama_batch_get_one": (Batch, [ctypes.POINTER(c_int32), c_int32]),
    "llama_decode": (c_int32, [c_void_p, Batch]),
    "llama_get_logits_ith": (ctypes.POINTER(c_float), [c_void_p, c_int32]),
    "llama_vocab_n_tokens": (c_int32, [c_void_p]),
    "llama_vocab_get_text": (c_char_p, [c_void_p, c_int32]),
    "llama_vocab_get_attr": (c_int, [c_void_p, c_int32]),
    "llama_vocab_is_eog": (c_bool, [c_void_p, c_int32]),
    "llama_vocab_is_control": (c_bool, [c_void_p, c_int32]),
    "llama_vocab_get_add_bos": (c_bool, [c_void_p]),
    "llama_vocab_bos": (c_int32, [c_void_p]),
    "llama_tokenize": (
        c_int32,
        [c_void_p, c_char_p, c_int32, ctypes.POINTER(c_int32), c_int32, c_bool, c_bool],
    ),
    "llama_token_to_piece": (c_int32, [c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool]),
    "llama_sampler_chain_default_params": (SamplerChainParams, []),
    "llama_sampler_chain_init": (c_void_p, [SamplerChainParams]),
    "llama_sampler_chain_add": (None, [c_void_p, c_void_p]),
    "llama_sampler_init_greedy": (c_void_p, []),
    "llama_sampler_init_dist": (c_void_p, [c_uint32]),
    "llama_sampler_init_top_p": (c_void_p, [c_float, c_size_t]),
    "llama_sampler_init_min_p": (c_void_p, [c_float, c_size_t]),
    "llama_sampler_init_temp": (c_void_p, [c_float]),
    "llama_sampler_sample": (c_int32, [c_void_p, c_void_p, c_int32]),
    "llama_sampler_free": (None, [c_void_p]),
}

#: Expected values of `llama_*_default_params`. A field at another offset changes at least one of them.
_MODEL_DEFAULTS = {"main_gpu": 0, "vocab_only": False, "use_extra_bufts": True, "no_alloc": False, "load_mode": -1}
_CONTEXT_DEFAULTS = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "yarn_beta_fast": -1.0,
    "type_k": 1,
    "type_v": 1,
    "offload_kqv": True,
    "op_offload": True,
    "swa_full": True,
    "n_samplers": 0,
}


@cache
def load_library() -> Any:
    """The loaded library, whose messages go to our log.

    Raises:
        ProviderUnavailable: the package is missing, of another version, or cannot be loaded on this machine.
    """
    path = _library_path()
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except OSError as error:
        # The only library that the wheel does not contain; most machines have it.
        remedy = "as root: apt-get install libgomp1" if "libgomp" in str(error) else None
        raise ProviderUnavailable(f"llama.cpp cannot be loaded: {error}", remedy=remedy) from None
    except AttributeError as error:
        raise ProviderUnavailable(f"{path.name} does not offer llama.cpp's functions: {error}") from None
    _check_layout(library)
    library.llama_log_set(_CALLBACK, None)
    library.llama_backend_init()
    return library


def take_error() -> str:
    """llama.cpp's first error since the last call. There is one log for the whole process."""
    error = _errors[0] if _errors else "no reason was logged"
    _errors.clear()
    return error


def _library_path() -> Path:
    remedy = f"pip install {PACKAGE}=={VERSION}"
    try:
        installed = importlib.metadata.version(PACKAGE)
        spec = importlib.util.find_spec(PACKAGE)  # the package itself, its HTTP server, is not imported
    except importlib.metadata.PackageNotFoundError:
        raise ProviderUnavailable(f"the package {PACKAGE} is not installed", remedy=remedy) from None
    if installed != VERSION:
        raise ProviderUnavailable(f"{PACKAGE} {installed} is installed, {VERSION} is needed", remedy=remedy)
    folders = (spec.submodule_search_locations if spec else None) or ()
    found = [path for folder in folders for path in Path(folder).glob(f"{PACKAGE}*.so")]
    if not found:
        raise ProviderUnavailable(f"the package {PACKAGE} has no library", remedy=f"{remedy} --force-reinstall")
    return found[0]


def _check_layout(library: Any) -> None:
    for name, wanted in (("model", _MODEL_DEFAULTS), ("context", _CONTEXT_DEFAULTS)):
        params = getattr(library, f"llama_{name}_default_params")()
        read = {field: getattr(params, field) for field in wanted}
        if read != wanted:
            raise ProviderUnavailable(
                f"llama.cpp's {name} parameters have another layout than in {PACKAGE} {VERSION}: {read}",
                remedy=f"pip install --force-reinstall {PACKAGE}=={VERSION}",
            )


_errors: deque[str] = deque(maxlen=8)


def _log_line(level: int, text: bytes | None, _: object) -> None:
    line = (text or b"").decode("utf-8", "replace").strip()
    if not line:
        return
    if level == _GGML_ERROR:
        _errors.append(line)
    log.log(logging.INFO if level == _GGML_ERROR else logging.DEBUG, "%s", line)


#: Kept alive for the process: the library may call it at any time.
_CALLBACK = LogCallback(_log_line)
