"""Where an SAE can sit in a language model: a layer, counted from 1, and a site in it. Imports no torch.

    H  resid_mid   the residual stream halfway through a block, between its two updates (after attention)
    R  resid_post  the residual stream at the block's end
    A  attn_out    what attention adds to the stream: resid_mid less the block's input
    M  mlp_out     what the MLP adds to the stream: resid_post less resid_mid

Not every model opens its blocks: one that hands out whole blocks only offers `resid_post`. The letters name places in
suites, `R4` is the end of block 4 (Llama Scope's R, A and M). Read `check_site`, then `Place`.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple, get_args

from protsae.errors import ConfigError

Site = Literal["resid_mid", "resid_post", "attn_out", "mlp_out"]

SITES: tuple[Site, ...] = get_args(Site)
"""All sites that there are, those of the residual stream first."""

LETTERS: dict[Site, str] = {"resid_mid": "H", "resid_post": "R", "attn_out": "A", "mlp_out": "M"}
"""What a site is called in the name of a place."""

JOINS: dict[Site, Site] = {"attn_out": "resid_mid", "mlp_out": "resid_post"}
"""Where what a block's update adds has become part of the residual stream."""

_OF_LETTER: dict[str, Site] = {letter: site for site, letter in LETTERS.items()}


class Place(NamedTuple):
    """A layer, from 1, and a site in it."""

    layer: int
    site: Site

    @property
    def name(self) -> str:
        """A letter and a number, as in R4."""
        return f"{LETTERS[self.site]}{self.layer}"


class Outline(NamedTuple):
    """What a language model offers, as far as it is known before its weights are read."""

    num_layers: int
    sites: tuple[Site, ...]
    """The same at every layer."""
    d_model: int | None = None
    """Width of the residual stream; None where only the weights say it."""


def site_named(text: str) -> Site:
    """The site that a name or a letter means.

    Raises:
        ConfigError: it means none.
    """
    found = _OF_LETTER.get(text.upper(), text)
    if found not in SITES:
        known = ", ".join(f"{LETTERS[site]} ({site})" for site in SITES)
        raise ConfigError(f"there is no site {text!r}; those that there are: {known}")
    return found


def check_site(layer: int, site: str, num_layers: int, offered: Collection[str] = SITES) -> None:
    """Refuse a place that the model does not have.

    Raises:
        ConfigError: `layer` is not in 1..num_layers, or `site` is not offered.
    """
    if not 1 <= layer <= num_layers:
        raise ConfigError(f"layer must be in 1..{num_layers} for this language model, got {layer}.")
    if site not in offered:
        raise ConfigError(f"site must be one of {', '.join(offered)} for this language model, got {site!r}.")
