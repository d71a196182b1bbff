"""Original and steered sequence, one above the other; differences are outlined, never filled.

Read `diff_html`.
"""

from html import escape

GROUP, LINE = 10, 60

STYLE = """<style>
.psd { font-size: 13px; line-height: 1.35; overflow-x: auto; }
.psd-line { display: grid; grid-template-columns: 3rem 4.6rem max-content; margin-bottom: .6rem; }
.psd-n, .psd-who { color: var(--ps-soft); font-size: 12px; }
.psd-n { text-align: right; padding-right: .7rem; font-variant-numeric: tabular-nums; }
.psd-s { font-family: "Source Code Pro", ui-monospace, monospace; letter-spacing: .16em; white-space: pre; }
.psd-s b { outline: 1.5px solid var(--ps-ink); border-radius: 2px; padding-left: .16em; margin-left: -.16em; }
.psd-s.old b { outline: 1px dashed var(--ps-soft); font-weight: 400; }
</style>"""


def diff_html(original: str, steered: str) -> str:
    """Both sequences in numbered lines of 60, changed residues outlined; lines without a change are left out.

    Args:
        original: upper-case letters.
        steered: as long as `original`.
    """
    lines, skipped = [], 0
    for start in range(0, len(original), LINE):
        old, new = original[start : start + LINE], steered[start : start + LINE]
        if old == new:
            skipped += len(old)
            continue
        number = f'<span class="psd-n">{start + 1}</span>'
        lines.append(
            f'<div class="psd-line">{number}<span class="psd-who">original</span>'
            f'<span class="psd-s old">{_letters(old, new)}</span>'
            f'<span></span><span class="psd-who">steered</span><span class="psd-s">{_letters(new, old)}</span></div>'
        )
    note = f'<div class="psd-who">{skipped} residues in lines without a change are not shown.</div>' if skipped else ""
    return f'{STYLE}<div class="ps psd" role="figure" aria-label="Differences">{"".join(lines)}{note}</div>'


def _letters(shown: str, other: str) -> str:
    parts = []
    for i, (letter, beside) in enumerate(zip(shown, other, strict=True)):
        gap = " " if i and i % GROUP == 0 else ""
        text = escape(letter)
        parts.append(gap + (f"<b>{text}</b>" if letter != beside else text))
    return "".join(parts)
