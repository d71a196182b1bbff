"""Where an SAE can sit in a language model: a layer, counted from 1, and a site in it. Imports no torch.

    resid_mid   the residual stream between a block's two updates (after attention)
    resid_post  the residual stream at the block's end

Not every model opens its blocks: one that hands out whole blocks only offers `resid_post`. Read `check_site`.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple, get_args

from protsae.errors import ConfigError

Site = Literal["resid_mid", "resid_post"]

SITES: tuple[Site, ...] = get_args(Site)
"""All sites that there are, in the order of the forward pass."""


class Outline(NamedTuple):
    """What a language model offers, as far as it is known before its weights are read."""

    num_layers: int
    sites: tuple[Site, ...]
    """The same at every layer."""
    d_model: int | None = None
    """Width of the residual stream; None where only the weights say it."""


def check_site(layer: int, site: str, num_layers: int, offered: Collection[str] = SITES) -> None:
    """Refuse a place that the model does not have.

    Raises:
        ConfigError: `layer` is not in 1..num_layers, or `site` is not offered.
    """
    if not 1 <= layer <= num_layers:
        raise ConfigError(f"layer must be in 1..{num_layers} for this language model, got {layer}.")
    if site not in offered:
        raise ConfigError(f"site must be one of {', '.join(offered)} for this language model, got {site!r}.")
