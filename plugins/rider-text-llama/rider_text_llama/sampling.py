"""How the next token is chosen: llama.cpp's samplers, put together as a request wants it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from rider_core.api import GenerateRequest
from rider_text_llama import native

#: To llama.cpp, this seed means "by chance".
_BY_CHANCE = 0xFFFFFFFF


@contextmanager
def sampler_for(request: GenerateRequest, min_p: float) -> Iterator[int]:
    """A sampler for one answer, with a random generator of its own.

    Args:
        request: Its temperature is known.
        min_p: Tokens less likely than this share of the likeliest are not chosen; 0: any may be.
    """
    library = native.load_library()
    chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
    try:
        if request.temperature == 0:
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_greedy())
        else:
            if request.top_p is not None:
                library.llama_sampler_chain_add(chain, library.llama_sampler_init_top_p(request.top_p, 1))
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_min_p(min_p, 1))
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_temp(request.temperature))
            seed = secrets.randbelow(_BY_CHANCE) if request.seed is None else min(request.seed, _BY_CHANCE - 1)
            library.llama_sampler_chain_add(chain, library.llama_sampler_init_dist(seed))
        yield chain
    finally:
        library.llama_sampler_free(chain)
