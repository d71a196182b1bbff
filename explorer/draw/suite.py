"""A suite in words and as a picture: where an SAE sits, how wide it is, and what tells it from the others.

Read `Choice`, then `heat_map`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from explorer import theme
from explorer.draw import charts
from protsae import palette
from protsae.bundle.suite import METRICS, Entry, Metric
from protsae.plm.sites import SITES, Place, Site

SITE_WORDS: dict[Site, str] = {
    "resid_mid": "halfway (after attention)",
    "resid_post": "the block's end",
    "attn_out": "what attention adds",
    "mlp_out": "what the MLP adds",
}
"""What a biologist reads of a site."""

SHORT: dict[Site, str] = {
    "resid_mid": "halfway",
    "resid_post": "block's end",
    "attn_out": "attention",
    "mlp_out": "MLP",
}
"""The same in a narrow list."""

SPLITS = {
    "test": "measured on test proteins, of families that neither trained nor chose anything",
    "valid": "measured on validation proteins",
    "all": "over all proteins",
}
"""What a metric was measured on."""

HELP = (
    "The language model reads a protein in layers. Early layers see letters and neighbours, later ones more of the "
    "whole protein. Each choice has autoencoders of its own, trained on the same proteins; a wider one splits the "
    "state into more features."
)
FULL = 0.45
"""Share of the autoencoder's colour in the strongest cell, so that ink stays legible on it in both themes."""

TELLS = "guided_f1", "explained_variance"
"""Metrics that tell autoencoders apart, the first that was measured."""


class Choice(NamedTuple):
    """One place and width of a suite."""

    bundle: str
    place: Place
    width: int

    @property
    def code(self) -> str:
        """Its value in the control, R4-4096."""
        return f"{self.place.name}-{self.width}"


def choices(entries: Iterable[Entry]) -> list[Choice]:
    """Every place and width, in the suite's order; autoencoders of other programs come along with a place."""
    made = (entry for entry in entries if entry.role != "imported")
    return list(dict.fromkeys(Choice(entry.bundle, entry.place, entry.width) for entry in made))


def at(choice: Choice, entries: Iterable[Entry]) -> list[Entry]:
    """The autoencoders there."""
    return [e for e in entries if (e.bundle, e.width) == (choice.bundle, choice.width)]


def base(entry: Entry) -> str:
    """What an autoencoder is called at every place and width."""
    return entry.name.replace(f"-{entry.place.name}-{entry.width}", "", 1)


def sibling(entry: Entry, choice: Choice, entries: Sequence[Entry]) -> Entry:
    """The same autoencoder at another place or width, else the first one there."""
    there = at(choice, entries)
    return next((other for other in there if base(other) == base(entry)), there[0])


def title(choice: Choice, entries: Sequence[Entry]) -> str:
    """Layer, site, width, and what tells them apart, for a narrow list: 'L4 block's end · 4,096 · F1 .36'."""
    told = telling(at(choice, entries))
    parts = [f"L{choice.place.layer} {SHORT[choice.place.site]}", f"{choice.width:,}", *([told[0]] if told else [])]
    return " · ".join(parts)


def sentence(choice: Choice, entries: Sequence[Entry], num_layers: int) -> str:
    """The same in plain words."""
    told = telling(at(choice, entries))
    where = f"Layer {choice.place.layer} of {num_layers}, {SITE_WORDS[choice.place.site]}; {choice.width:,} features"
    return f"{where}; {told[1]}." if told else f"{where}."


def telling(entries: Sequence[Entry]) -> tuple[str, str] | None:
    """The first of `TELLS` that an autoencoder has, short and in words."""
    for name in TELLS:
        found = [entry.metrics[name] for entry in entries if name in entry.metrics]
        value, baseline = next(((m.value, m.baseline) for m in found if m.value is not None), (None, None))
        if value is not None and name == "guided_f1":
            null = f" (with shuffled labels {baseline:.2f})" if baseline is not None else ""
            return f"F1 {value:.2f}".replace("0.", "."), f"held-out F1 of guided terms {value:.2f}{null}"
        if value is not None:
            return f"{value:.0%}", f"explains {value:.0%} of the state's variance"
    return None


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row an SAE: where it sits, and every metric beside its baseline."""
    rows = []
    for entry in entries:
        row: dict[str, object] = {
            "Name": entry.name,
            "Autoencoder": entry.title,
            "Layer": entry.layer,
            "Site": SITE_WORDS[entry.site],
            "Features": entry.width,
        }
        for name, about in METRICS.items():
            metric = entry.metrics.get(name, Metric(None, None, "", ""))
            row[about.title] = metric.value
            if metric.baseline_is:
                row[baseline_title(name, metric)] = metric.baseline
        rows.append(row)
    found = pd.DataFrame(rows)
    return found.dropna(axis="columns", how="all")


def baseline_title(name: str, metric: Metric) -> str:
    """The column of what does without an SAE."""
    return f"{METRICS[name].title}: {metric.baseline_is}"


def measured(entries: Sequence[Entry]) -> list[str]:
    """Metrics that some autoencoder has."""
    return [n for n in METRICS if any(n in e.metrics and e.metrics[n].value is not None for e in entries)]


def baseline(name: str, entries: Sequence[Entry]) -> str:
    """What stands beside a metric, over the autoencoders shown; '' where nothing does."""
    found = [e.metrics[name] for e in entries if name in e.metrics and e.metrics[name].baseline is not None]
    if not found:
        return ""
    values = [metric.baseline for metric in found if metric.baseline is not None]
    low, high = min(values), max(values)
    span = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
    return f"{found[0].baseline_is} alone: {span}"


def heat_map(name: str, entries: Sequence[Entry], mode: theme.Mode) -> go.Figure:
    """A metric over layers (columns) and sites (rows), of autoencoders of one kind and width."""
    layers = sorted({entry.layer for entry in entries})
    sites: list[Site] = [site for site in SITES if any(entry.site == site for entry in entries)]
    value = {e.place: e.metrics[name].value if name in e.metrics else None for e in entries}
    cells = [[value.get(Place(layer, site)) for layer in layers] for site in sites]
    least = 0.5 if name == "guided_auroc" else 0.0
    full = theme.mix(palette.SURFACE[mode], theme.identity(entries[0].role, mode), FULL)
    drawn = charts.base(60 + 44 * len(sites))
    drawn.add_heatmap(
        z=cells,
        x=[f"layer {layer}" for layer in layers],
        y=[SITE_WORDS[site] for site in sites],
        text=[["" if cell is None else f"{cell:.3g}" for cell in row] for row in cells],
        texttemplate="%{text}",
        hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        colorscale=[[0, palette.SURFACE[mode]], [1, full]],
        zmin=least,
        zmax=max([least + 1e-9, *(cell for row in cells for cell in row if cell is not None)]),
        textfont={"color": palette.INK[mode]},
        showscale=False,
        xgap=2,
        ygap=2,
    )
    drawn.update_xaxes(showgrid=False, fixedrange=True, side="top")
    drawn.update_yaxes(showgrid=False, fixedrange=True, automargin=True, autorange="reversed")
    return drawn


def told(name: str, entries: Sequence[Entry]) -> str:
    """The heat map for whoever does not see it."""
    parts = [
        f"{SITE_WORDS[e.site]} of layer {e.layer} {e.metrics[name].value:.3g}"
        for e in entries
        if name in e.metrics and e.metrics[name].value is not None
    ]
    return f"{METRICS[name].title}: {'; '.join(parts)}."
