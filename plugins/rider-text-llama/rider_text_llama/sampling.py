"""Sampler chains of llama.cpp, built from a request's options."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from rider_core.api import GenerateRequest
from rider_text_llama import bindings

#: llama.cpp takes this seed for "random".
_RANDOM_SEED = 0xFFFFFFFF


@contextmanager
def sampler_for(request: GenerateRequest, min_p: float) -> Iterator[int]:
    """A sampler for one answer, with a random generator of its own.

    Args:
        request: With a temperature.
        min_p: Tokens less likely than this share of the likeliest one are not sampled; 0: no limit.
    """
    library = bindings.load_library()
    chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
    try:
        if request.temperature == 0:
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_greedy())
        else:
            if request.top_p is not None:
                library.llama_sampler_chain_add(chain, library.llama_sampler_init_top_p(request.top_p, 1))
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_min_p(min_p, 1))
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_temp(request.temperature))
            seed = secrets.randbelow(_RANDOM_SEED) if request.seed is None else min(request.seed, _RANDOM_SEED - 1)
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_dist(seed))
        yield chain
    finally:
        library.llama_sampler_free(chain)
