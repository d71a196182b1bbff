"""Small HTML pieces for `st.html`: scores on a rail, facts, badges, legends, annotation ribbons.

Text from the store is escaped on its way in, colours come from the style sheet (`theme.STYLE_SHEET`), so light and dark
follow the page. `st.html` drops SVG, hence plain boxes. Read `rail`, then `score`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from explorer.draw import verdicts, words
from protsae import palette
from protsae.store.rows import AnnotationRow, FeatureAnnotation, Role, TermFeature

MOST_NAMED = 12
"""Regions that the help of a ribbon names."""


def wrap(*parts: str) -> str:
    """One block in the explorer's text style."""
    return f'<div class="ps">{"".join(parts)}</div>'


def paragraph(text: str, kind: str = "ps-soft") -> str:
    """A paragraph of escaped text."""
    return f'<p class="{kind}" style="margin:.15rem 0">{escape(text)}</p>'


def verdict(title: str, text: str) -> str:
    """What came of something, in a few words and in full; equally loud whatever it is. Escaped text."""
    return f'<p class="ps-lead" role="status"><b>{escape(title)}</b> {escape(text)}</p>'


def dot(role: Role) -> str:
    """The identity mark of an SAE of this role."""
    return f'<span class="ps-dot" style="background:var(--ps-{role})"></span>'


def explained(inner: str, tip: str, kind: str = "ps-noted") -> str:
    """HTML with its help: under the pointer, and for keyboard and finger where it takes the focus.

    Args:
        inner: HTML.
        tip: Plain text.
        kind: CSS classes.
    """
    help_text = f'<span class="ps-help" role="tooltip">{escape(tip)}</span>'
    return f'<span class="ps-explained {escape(kind)}" tabindex="0" role="note">{inner}{help_text}</span>'


def badge(text: str, tip: str, kind: str = "") -> str:
    """A rounded note; `kind` is '', 'good' or 'warn'."""
    return explained(escape(text), tip, f"ps-badge {kind}".rstrip())


def grade(row: TermFeature | FeatureAnnotation) -> str:
    """How far an alignment holds, with the numbers as its help."""
    kind = {"strong": "good", "weak": ""}.get(row.grade, "warn")
    tip = f"{verdicts.verdict(row)} {words.HELP['grade']}" if isinstance(row, TermFeature) else verdicts.of_site(row)
    return badge(verdicts.grade_name(row), tip, kind)


def facts(rows: Iterable[tuple[str, str, str]]) -> str:
    """Names, values and what they mean, '' where that is plain."""
    cells = "".join(
        f"<dt>{explained(escape(name), tip) if tip else escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value, tip in rows
    )
    return f'<dl class="ps-facts">{cells}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small table of escaped text."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="ps-rows"><tr>{top}</tr>{body}</table>'


def rail(term: TermFeature | FeatureAnnotation, role: Role) -> str:
    """Held-out F1 on a rail from 0 to 1: point, 95 % interval, and as dotted marks what needs no feature.

    These are shuffled labels and calling every protein positive.
    """
    colour = f"var(--ps-{role})"
    low, high, at = (100 * min(1.0, max(0.0, v)) for v in (term.test_f1_low, term.test_f1_high, term.test_f1))
    free = [100 * value for value in (term.null_f1, term.all_positive_f1) if value is not None]
    marks = "".join(f'<div class="null" style="left:{min(100.0, value):.1f}%"></div>' for value in free)
    tip = escape(
        f"Held-out F1 {words.number(term.test_f1)}, 95 % interval {words.number(term.test_f1_low)} to "
        f"{words.number(term.test_f1_high)}; dotted: shuffled labels {words.number(term.null_f1)}, "
        f"calling everything positive {words.number(term.all_positive_f1)}"
    )
    ticks = "".join(
        f'<span class="tick" style="left:{x}%">{text}</span>' for x, text in ((2, "0"), (50, "0.5"), (98.5, "1"))
    )
    return (
        f'<div class="ps-axis ps-explained" tabindex="0" role="img" aria-label="{tip}"><div class="rail"></div>'
        f'<div class="ci" style="left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%;background:{colour}"></div>'
        f'{marks}<div class="at" style="left:{at:.1f}%;background:{colour}"></div>{ticks}'
        f'<span class="ps-help">{tip}</span></div>'
    )


def score(term: TermFeature, role: Role) -> str:
    """The numbers that judge an alignment, each with its help, and the rail in the role's colour."""
    pairs = (
        ("interval", f"{words.number(term.test_f1_low)} to {words.number(term.test_f1_high)}", words.HELP["ci"]),
        (
            "AUROC",
            f"{words.number(term.test_auroc)} {verdicts.interval(term.test_auroc_low, term.test_auroc_high)}".rstrip(),
            words.HELP["auroc"],
        ),
        ("composition", words.number(term.composition_auroc), words.HELP["composition"]),
        ("n", f"{term.n_pos_test:,}", words.HELP["n"]),
        ("null", words.number(term.null_f1), words.HELP["null"]),
        ("all positive", words.number(term.all_positive_f1), words.HELP["all_positive"]),
    )
    rest = "".join(
        f'<span class="pair">{explained(name, tip, "ps-noted unit")} {escape(value)}</span>'
        for name, value, tip in pairs
    )
    unit = explained("held-out F1", words.HELP["f1"], "ps-noted unit")
    big = f'<span><span class="big">{words.number(term.test_f1)}</span> {unit}</span>'
    return f'<div class="ps-score">{big}{rest}</div>{rail(term, role)}'


def brief_score(row: TermFeature | FeatureAnnotation, role: Role) -> str:
    """The three numbers that judge an alignment, each with its help: held-out F1, its interval, and what luck gives."""
    pairs = (
        ("interval", f"{words.number(row.test_f1_low)} to {words.number(row.test_f1_high)}", words.HELP["ci"]),
        ("null", words.number(row.null_f1), words.HELP["null"]),
    )
    rest = "".join(
        f'<span class="pair">{explained(name, tip, "ps-noted unit")} {escape(value)}</span>'
        for name, value, tip in pairs
    )
    unit = explained("held-out F1", words.HELP["f1"], "ps-noted unit")
    big = f'<span><span class="big">{words.number(row.test_f1)}</span> {unit}</span>'
    return f'<div class="ps-score">{big}{rest}</div>{rail(row, role)}'


def legend(scale: str, full: float | None, *, unresolved: bool = False) -> str:
    """The activation ramp with numbers: share of the 99.9th percentile, or activation up to `full`."""
    if scale == "normalised":
        note = (
            f" (99.9th percentile, activation {words.amount(full)})" if full else " of each feature's 99.9th percentile"
        )
        low, high, tip = "0", f"100 %{note}", words.HELP["normalised"]
    else:
        low, high, tip = "0", f"{words.amount(full or 0)} activation", words.HELP["raw"]
    return ramp_legend(f"silent {low}", high, "no coordinates" if unresolved else "", tip)


def ramp_legend(low: str, high: str, missing: str, tip: str) -> str:
    """The ramp between two texts, and the grey of what is missing."""
    grey = f'<span class="hatch"></span><span>{escape(missing)}</span>' if missing else ""
    ramp = f'<span>{escape(low)}</span><span class="bar"></span>{explained(escape(high), tip)}'
    return f'<div class="ps-legend">{ramp}{grey}</div>'


FOLD = frozenset({"Helix", "Beta strand", "Turn", "Mutagenesis", "Natural variant", "Sequence conflict", "Chain"})
"""Kinds that cover too much, or say too little, for a ribbon; the full view shows them."""


def kind_colours(annotations: Iterable[AnnotationRow]) -> dict[str, str]:
    """Colours for the most frequent kinds of annotation in view, as many as stay apart."""
    counts = Counter(row.kind for row in annotations if row.kind not in FOLD)
    return dict(zip((kind for kind, _ in counts.most_common()), palette.TRACKS, strict=False))


def ribbon(annotations: Sequence[AnnotationRow], length: int, colours: Mapping[str, str]) -> str:
    """A protein's annotated regions as coloured boxes on a line; pointer or focus tells what they are."""
    shown = [row for row in annotations if row.kind in colours]
    boxes = "".join(
        f'<i style="left:{100 * (row.start_pos - 1) / length:.2f}%;'
        f'width:{100 * (row.end_pos - row.start_pos + 1) / length:.2f}%;background:{colours[row.kind]}"></i>'
        for row in sorted(shown, key=lambda row: row.start_pos - row.end_pos)
    )
    if not shown:
        return '<div class="ps-ribbon"></div>'
    regions = sorted(shown, key=lambda row: (row.start_pos, row.end_pos))
    listed = "; ".join(escape(_region(row)) for row in regions[:MOST_NAMED])
    rest = f"; and {len(regions) - MOST_NAMED} more" if len(regions) > MOST_NAMED else ""
    return (
        f'<div class="ps-explained" tabindex="0" role="img" aria-label="{listed}{rest}">'
        f'<div class="ps-ribbon">{boxes}</div><span class="ps-help">{listed}{rest}</span></div>'
    )


def _region(row: AnnotationRow) -> str:
    where = f"{row.start_pos}" if row.start_pos == row.end_pos else f"{row.start_pos} to {row.end_pos}"
    return f"{row.kind}{': ' + row.label if row.label else ''} ({where})"


def dots_legend(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with their colours."""
    items = "".join(
        f'<span><span class="ps-dot" style="background:{colour}"></span>{escape(name)}</span>' for name, colour in pairs
    )
    return f'<div class="ps-legend">{items}</div>' if items else ""


def empty(what: str, advice: str) -> str:
    """A designed empty or error state: what happened, and what to do."""
    return f'<div class="ps ps-empty" role="status"><b>{escape(what)}</b><br>{escape(advice)}</div>'
