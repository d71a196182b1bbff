"""Original and steered sequence, one above the other; differences are outlined, never filled.

A full outline is a radical change by BLOSUM62, a dotted underline a conservative one.

Groups of ten letters stand side by side, six, three, two or one in a line as there is room; every line begins with what
its two sequences are. Read `diff_html`.
"""

from collections.abc import Mapping
from html import escape

from protsae.steering.substitutions import Kind, substitutions

GROUP, LINE = 10, 60

ROOM = {1: 0, 2: 256, 3: 364, 6: 684}
"""Groups in a line -> pixels that they need, what the sequences are among them; all divide `LINE` evenly."""

STYLE = """
.psd { font-size: 13px; container-type: inline-size; }
.psd-line { display: grid; justify-content: start; gap: .45rem .55rem; margin-bottom: .9rem; }
.psd-line > span > span { display: block; line-height: 18px; white-space: nowrap; }
.psd-line > span > .psd-n { line-height: 16px; }
.psd-n, .psd-who { color: var(--ps-soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.psd-who { padding-top: 16px; }
.psd-s { font-family: "Source Code Pro", ui-monospace, monospace; letter-spacing: .1em; }
.psd-s b { outline: 1.5px solid var(--ps-ink); border-radius: 2px; padding-left: .1em; margin-left: -.1em; }
.psd-s b.near { outline: none; border-bottom: 2px dotted var(--ps-ink); }
.psd-s.old b { outline: 1px dashed var(--ps-soft); font-weight: 400; }
.psd-s.old b.near { outline: none; border-bottom: 2px dotted var(--ps-soft); }
"""

WHO = '<span class="psd-who"><span>original</span><span>steered</span></span>'
"""Before every group; shown before those that begin a line."""


def diff_html(original: str, steered: str) -> str:
    """Both sequences in blocks of 60, changed residues outlined; blocks without a change are left out.

    Args:
        original: upper-case letters.
        steered: as long as `original`.
    """
    blocks, skipped = [], 0
    for start in range(0, len(original), LINE):
        end = min(start + LINE, len(original))
        if original[start:end] == steered[start:end]:
            skipped += end - start
            continue
        groups = "".join(
            WHO + _group(at + 1, original[at : min(at + GROUP, end)], steered[at : min(at + GROUP, end)])
            for at in range(start, end, GROUP)
        )
        blocks.append(f'<div class="psd-line">{groups}</div>')
    note = f'<div class="psd-n">{skipped} residues in lines without a change are not shown.</div>' if skipped else ""
    style = f"<style>{STYLE}{_in_lines()}</style>"
    return f'{style}<div class="ps psd" role="figure" aria-label="Differences">{"".join(blocks)}{note}</div>'


def _in_lines() -> str:
    """Rules for each number of groups in a line."""
    rules = []
    for groups, room in ROOM.items():
        less = min((other for other in ROOM.values() if other > room), default=None)
        until = "" if less is None else f" and (width < {less}px)"
        rules.append(
            f"@container (width >= {room}px){until} {{"
            f" .psd-line {{ grid-template-columns: repeat({groups + 1}, auto); }}"
            f" .psd-who:not(:nth-child({2 * groups}n+1)) {{ display: none; }} }}"
        )
    return "\n".join(rules)


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
