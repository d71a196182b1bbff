"""Original and steered sequence, one above the other; differences are outlined, never filled.

A full outline is a radical change by BLOSUM62, a dotted underline a conservative one.

Groups of ten letters stand side by side and go on below where the page is narrow. Read `diff_html`.
"""

from collections.abc import Mapping
from html import escape

from protsae.steering.substitutions import Kind, substitutions

GROUP, LINE = 10, 60

STYLE = """<style>
.psd { font-size: 13px; line-height: 1.35; }
.psd-line { display: flex; flex-wrap: wrap; gap: .3rem .55rem; margin-bottom: .6rem; }
.psd-line > span > span { display: block; }
.psd-n, .psd-who { color: var(--ps-soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.psd-who { width: 3.6rem; line-height: 17.5px; padding-top: 16px; }
.psd-s { font-family: "Source Code Pro", ui-monospace, monospace; letter-spacing: .16em; }
.psd-s b { outline: 1.5px solid var(--ps-ink); border-radius: 2px; padding-left: .16em; margin-left: -.16em; }
.psd-s b.near { outline: none; border-bottom: 2px dotted var(--ps-ink); }
.psd-s.old b { outline: 1px dashed var(--ps-soft); font-weight: 400; }
.psd-s.old b.near { outline: none; border-bottom: 2px dotted var(--ps-soft); }
</style>"""


def diff_html(original: str, steered: str) -> str:
    """Both sequences in lines of 60, changed residues outlined; lines without a change are left out.

    Args:
        original: upper-case letters.
        steered: as long as `original`.
    """
    who = '<span class="psd-who"><span>original</span><span>steered</span></span>'
    lines, skipped = [], 0
    for start in range(0, len(original), LINE):
        end = min(start + LINE, len(original))
        if original[start:end] == steered[start:end]:
            skipped += end - start
            continue
        groups = "".join(
            _group(at + 1, original[at : min(at + GROUP, end)], steered[at : min(at + GROUP, end)])
            for at in range(start, end, GROUP)
        )
        lines.append(f'<div class="psd-line">{who}{groups}</div>')
    note = f'<div class="psd-n">{skipped} residues in lines without a change are not shown.</div>' if skipped else ""
    return f'{STYLE}<div class="ps psd" role="figure" aria-label="Differences">{"".join(lines)}{note}</div>'


def _group(position: int, old: str, new: str) -> str:
    """Up to ten letters under the number of their first."""
    kinds: dict[int, Kind] = {one.position: one.kind for one in substitutions(old, new)}
    return (
        f'<span><span class="psd-n">{position}</span><span class="psd-s old">{_letters(old, kinds)}</span>'
        f'<span class="psd-s">{_letters(new, kinds)}</span></span>'
    )


def _letters(shown: str, kinds: Mapping[int, Kind]) -> str:
    marks = {"conservative": '<b class="near">{}</b>', "radical": "<b>{}</b>"}
    return "".join(
        marks[kinds[place]].format(escape(letter)) if place in kinds else escape(letter)
        for place, letter in enumerate(shown)
    )
