"""The first answer to a sequence: the terms that its guided features call most surely, each beside its null."""

from explorer.draw import markup
from explorer.protein.predictions import Call
from explorer.shell import links

ASIDE = {
    "train": " (this protein or a near copy trained them, so it is no evidence)",
    "valid": " (their thresholds were chosen with this protein or a near copy, which flatters them)",
}
"""By the split of the stored protein that it is, or nearly is."""


def answer(found: list[Call], split: str | None) -> str:
    """A line a term, safe to show; empty where nothing is said.

    Args:
        found: of `predictions.surest`.
        split: of the stored protein that it is, or nearly is; None where there is none.
    """
    lines = [_line(call) for call in found]
    if not any(lines):
        return ""
    lead = f"Called most surely by its features{ASIDE.get(split or '', '')}:"
    return f'<p class="ps-answer-lead">{lead}</p><ul class="ps-answer">{"".join(lines)}</ul>'


def _line(call: Call) -> str:
    band = call.band
    if band is None:
        return ""
    where = links.feature(call.term.sae, call.term.feature).url
    return (
        f'<li><a href="{markup.escape(where)}">{markup.escape(call.term.term_name)}</a> '
        f'<span class="ps-small ps-soft">carried by {band.test_hits:,} of {band.test_n:,} unseen proteins with such a '
        f"signal, by {100 * band.null:.2g} % of all</span></li>"
    )
