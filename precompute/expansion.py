"""A run's list of SAEs with the flags that change all of it: vanilla alone, vanilla's own k, several widths and seeds.

    --widths 2560 5120 --seeds 0 1     protsae_w2560_s0, vanilla_w2560_s0, protsae_w2560_s1, ...

Each width and seed gets the whole list, and what matches an L0 matches that of its own width and seed. One width or
seed alone changes no name.

Read `expanded`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from precompute.saes import SAESpec
from protsae.errors import ConfigError


def expanded(
    saes: Sequence[SAESpec], *, vanilla_only: bool, vanilla_k: int | None, widths: Sequence[int], seeds: Sequence[int]
) -> tuple[SAESpec, ...]:
    """The SAEs that are made.

    Args:
        saes: the list as it was given.
        vanilla_only: leave the guided ones out.
        vanilla_k: k of the unguided ones, in place of a matched L0; None leaves theirs.
        widths: d_sae of copies of the list; empty leaves theirs.
        seeds: of copies of the list; empty leaves theirs.

    Raises:
        ConfigError: nothing is left, or an SAE has a k, a width or a seed of its own, too.
    """
    kept = [one for one in saes if not (vanilla_only and one.role == "guided")]
    if not kept:
        raise ConfigError(
            f"vanilla_only leaves none of {', '.join(one.name for one in saes)}; drop it, or add an unguided SAE"
        )
    here = {one.name for one in kept}
    kept = [replace(one, match_l0=tuple(name for name in one.match_l0 if name in here)) for one in kept]
    if vanilla_k is not None:
        kept = [_with_k(one, vanilla_k) if one.role == "unguided" else one for one in kept]
    for setting, field, values in (("widths", "d_sae", widths), ("seeds", "seed", seeds)):
        own = [one for one in kept if values and getattr(one, field) is not None]
        if own:
            found = f"{own[0].name} has {field}={getattr(own[0], field)}"
            raise ConfigError(f"{found} of its own, so {setting} cannot set it; drop one of the two")
        if len(set(values)) < len(values):
            raise ConfigError(f"{setting} must differ from one another, got {' '.join(map(str, values))}")
    made = []
    for width, seed in itertools.product(widths or (None,), seeds or (None,)):
        tags = [f"_w{width}"] * (len(widths) > 1) + [f"_s{seed}"] * (len(seeds) > 1)
        marks = ([f"{width:,} wide"] if width and len(widths) > 1 else []) + [f"seed {seed}"] * (len(seeds) > 1)
        names = {one.name: "".join([one.name, *tags]) for one in kept}
        made += [
            replace(
                one,
                name=names[one.name],
                display_name=", ".join([one.title, *marks]) if marks else one.display_name,
                d_sae=one.d_sae if width is None else width,
                seed=one.seed if seed is None else seed,
                match_l0=tuple(names[name] for name in one.match_l0),
            )
            for one in kept
        ]
    return tuple(made)


def _with_k(spec: SAESpec, k: int) -> SAESpec:
    if spec.k is not None:
        raise ConfigError(f"{spec.name} has k={spec.k} of its own, so vanilla_k={k} cannot set it; drop one of the two")
    return replace(spec, k=k, match_l0=())
