"""How the palette is laid on: identities, the activation ramp, and the style sheet of the HTML that pages write.

Identity: an SAE's role has a colour, everywhere: guided blue, unguided orange (Okabe-Ito, safe for colour-blind
readers), imported a dark crimson that differs from both in lightness, too. Activation: one ramp
from the page's neutral tone at zero to violet; its dark-mode twin ends bright. Missing is hatched grey. The style sheet
uses `light-dark()`, so a change of theme needs no server. The colours themselves stand in `protsae.palette`. Read
`shade`, then `STYLE_SHEET`.
"""

from collections.abc import Mapping
from typing import Literal

from protsae import palette
from protsae.store.rows import Role

Mode = Literal["light", "dark"]

KIN_LEVELS = 7
"""Levels of a tree of containers, keyed kin0_, kin1_, ...; deeper ones are indented no further."""


def identity(role: Role, mode: Mode) -> str:
    """The colour that stands for SAEs of this role wherever roles are compared."""
    return palette.ROLES_ON_PAGE[role][mode]


def shade(mode: Mode, level: float) -> str:
    """The ramp's colour at `level`, 0 to 1 of full colour."""
    stops = palette.RAMP[mode]
    place = min(max(level, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    return mix(stops[low], stops[low + 1], place - low)


def mix(low: str, high: str, share: float) -> str:
    """The colour between two hex colours, `share` of the way, channel by channel."""
    channels = ((int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


def wordmark(name: str, mode: Mode) -> str:
    """The product's name beside a strip of its ramp, as SVG."""
    cells = "".join(
        f'<rect x="{8 * i}" y="7" width="7" height="18" rx="1.5" fill="{shade(mode, level)}"/>'
        for i, level in enumerate((0.15, 0.45, 1.0, 0.3))
    )
    font = (
        'font-family="Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif" font-size="19" font-weight="650"'
    )
    text = f'<text x="42" y="23" {font} fill="{palette.INK[mode]}" textLength="147">{name}</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="192" height="32" viewBox="0 0 192 32">{cells}{text}</svg>'


def pair(values: Mapping[str, str]) -> str:
    """CSS for a colour that differs between light and dark."""
    return f"light-dark({values['light']}, {values['dark']})"


def shade_pair(level: float) -> str:
    """CSS for the ramp's colour at `level` in either theme."""
    return pair({"light": shade("light", level), "dark": shade("dark", level)})


def _stop(index: int) -> str:
    return pair({mode: stops[index] for mode, stops in palette.RAMP.items()})


LEVELS = 20
"""Steps of the ramp that have a class in the style sheet."""


def _levels() -> str:
    """Letters on the ramp."""
    return "\n".join(
        f".ps-aligned .v{step} {{ background: {shade_pair(step / LEVELS)};"
        f"{' color: var(--ps-surface);' if step / LEVELS > palette.INVERSE_FROM_LEVEL else ''} }}"
        for step in range(1, LEVELS + 1)
    )


STYLE_SHEET = f"""<style>
[data-testid="stTabs"] [role="tablist"] {{ flex-wrap: wrap; overflow: visible; }}
:root {{
  {" ".join(f"--ps-{role}: {pair(colours)};" for role, colours in palette.ROLES_ON_PAGE.items())}
  --ps-ink: {pair(palette.INK)}; --ps-soft: {pair(palette.SOFT)}; --ps-line: {pair(palette.LINE)};
  --ps-panel: {pair(palette.PANEL)}; --ps-surface: {pair(palette.SURFACE)}; --ps-link: {pair(palette.LINK)};
  --ps-on-primary: {pair(palette.ON_PRIMARY)}; --ps-missing: {pair(palette.MISSING)};
  --ps-zero: {_stop(0)}; --ps-violet: {_stop(4)};
  --ps-ramp: {", ".join(_stop(i) for i in range(len(palette.RAMP["light"])))};
  --ps-warn-line: {pair(palette.WARNING_LINE)}; --ps-warn-ink: {pair(palette.WARNING_INK)};
}}
a:focus-visible, button:focus-visible, summary:focus-visible, .ps [tabindex]:focus-visible {{
  outline: 2px solid var(--ps-link) !important; outline-offset: 2px; border-radius: 4px; }}
[data-testid="stMain"]:focus-visible {{ outline: 2px solid var(--ps-link); outline-offset: -2px; }}
button[role="radio"]:focus-visible, [data-testid="stTopNavLink"]:focus-visible {{ outline-offset: -3px; }}
[data-testid="stCaptionContainer"] {{ opacity: 1; color: var(--ps-soft); }}
[data-testid^="stBaseButton-primary"] {{ color: var(--ps-on-primary) !important; }}
[data-testid="stMetricValue"] :is(div, p) {{ white-space: normal; overflow: visible; }}
[data-testid="stSidebar"] [role="combobox"] {{ font-size: .8rem; }}
[data-testid="stFileUploaderDropzoneInstructions"] span {{ white-space: normal; overflow: visible; }}
.js-plotly-plot:has(.hovertext) .nsewdrag {{ cursor: pointer !important; }}
.stMainBlockContainer {{ position: relative; padding: 4.4rem clamp(1rem, 2.6vw, 3rem) 3rem; max-width: 1600px; }}
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-order_"]) {{ position: absolute; }}
[class*="st-key-order_"] {{ position: absolute; width: 0; height: 0; overflow: hidden;
  scroll-margin-top: 6rem; }}
[data-testid="stPageLink-NavLink"] {{ padding: .1rem 0; color: var(--ps-link); }}
[data-testid="stPageLink-NavLink"], [data-testid="stPageLink-NavLink"]:hover {{ background: none !important; }}
[data-testid="stPageLink-NavLink"] p {{ white-space: normal; font-weight: 500; color: var(--ps-link); }}
[data-testid="stPageLink-NavLink"]:hover p {{ text-decoration: underline; }}
.st-key-judged_and_shown > * > .stHorizontalBlock > .stColumn {{ min-width: min(340px, 100%); }}
.st-key-judged_and_shown > * > .stHorizontalBlock > .stColumn:last-child {{ min-width: min(480px, 100%); }}
[class*="st-key-roomy"] > * > .stHorizontalBlock > .stColumn {{ min-width: min(290px, 100%); }}
.st-key-cards_flow {{ display: block; columns: 3 320px; column-gap: 1rem; }}
.st-key-cards_flow > * {{ break-inside: avoid; margin-bottom: 1rem; }}
{" ".join(f'[class*="st-key-kin{level}_"] {{ padding-left: {1.2 * level:.1f}rem; }}' for level in range(1, KIN_LEVELS))}
[class*="st-key-kin"] {{ row-gap: 0 !important; }}
.ps {{ color: var(--ps-ink); font-size: .93rem; line-height: 1.45; }}
.ps * {{ box-sizing: border-box; }}
.ps-place {{ display: block; scroll-margin-top: 5rem; }}
.ps-term {{ font-size: 1.12rem; font-weight: 600; }}
.ps-soft {{ color: var(--ps-soft); }}
.ps-small {{ font-size: .82rem; }}
.ps-lead {{ font-size: 1.02rem; color: var(--ps-soft); max-width: 82ch; margin: -.35rem 0 .1rem; }}
.ps-answer-lead {{ margin: .3rem 0 .1rem; }}
.ps-answer {{ margin: 0 0 .4rem; padding-left: 1.1rem; }}
.ps-answer li {{ margin: .1rem 0; }}
.ps-answer a {{ color: var(--ps-link); text-decoration: none; font-weight: 500; }}
.ps-eyebrow {{ font-size: .8rem; color: var(--ps-soft); letter-spacing: .01em; }}
.ps-eyebrow b {{ font-weight: 600; color: var(--ps-ink); }}
.ps-dot {{ display: inline-block; width: .62em; height: .62em; border-radius: 50%; margin-right: .4em; }}
.ps-out {{ color: var(--ps-link); white-space: nowrap; }}
.ps-id {{ color: inherit; text-decoration: underline dotted; text-underline-offset: .2em; }}
.ps-id:hover {{ color: var(--ps-link); }}
.ps-mono {{ font-family: "Source Code Pro", ui-monospace, monospace; font-size: .86em; }}
.ps-badge {{ display: inline-block; border: 1px solid var(--ps-line); border-radius: 99px; padding: .06rem .55rem;
  margin: 0 .3rem .3rem 0; font-size: .78rem; color: var(--ps-soft); }}
.ps-badge.warn {{ border-color: var(--ps-warn-line); color: var(--ps-warn-ink); }}
.ps-badge.good {{ border-color: var(--ps-violet); color: var(--ps-violet); }}
.ps-explained {{ position: relative; cursor: help; anchor-name: --ps-explained; anchor-scope: --ps-explained; }}
.ps-noted {{ text-decoration: underline dotted var(--ps-soft); text-underline-offset: .22em; }}
.ps-help {{ display: none; position: absolute; z-index: 50; top: calc(100% + 4px); left: 0; width: max-content;
  max-width: min(22rem, 80vw); padding: .45rem .65rem; border: 1px solid var(--ps-line); border-radius: 7px;
  background: var(--ps-surface); color: var(--ps-ink); font-size: .8rem; font-weight: 400; line-height: 1.4;
  white-space: normal; text-align: left; box-shadow: 0 4px 16px rgb(0 0 0 / 18%); cursor: auto; }}
@supports (position-area: bottom) {{
  .ps-help {{ position: fixed; position-anchor: --ps-explained; top: auto; left: auto; margin: 4px 0;
    position-area: bottom span-right; position-try-fallbacks: flip-inline, flip-block, flip-inline flip-block; }}
}}
.ps-explained:hover > .ps-help, .ps-explained:focus > .ps-help {{ display: block; }}
@media (max-width: 1100px) {{
  [data-testid="stMetricValue"] {{ font-size: 1.85rem; }}
}}
@media (max-width: 640px) {{
  .ps-help {{ position: fixed; position-area: none; inset: auto .8rem .8rem; width: auto; max-width: none; }}
}}
.ps-score {{ display: flex; align-items: baseline; gap: 0 .9rem; flex-wrap: wrap; }}
.ps-score .big {{ font-size: 1.55rem; font-weight: 640; font-variant-numeric: tabular-nums; line-height: 1.15; }}
.ps-score .unit {{ font-size: .78rem; color: var(--ps-soft); }}
.ps-score .pair {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
.ps-axis {{ position: relative; height: 26px; margin: .35rem 0 .1rem; }}
.ps-axis .rail {{ position: absolute; left: 0; right: 0; top: 8px; height: 1px; background: var(--ps-line); }}
.ps-axis .ci {{ position: absolute; top: 5px; height: 7px; border-radius: 4px; opacity: .38; }}
.ps-axis .at {{ position: absolute; top: 2px; width: 13px; height: 13px; margin-left: -6.5px; border-radius: 50%;
  border: 2px solid var(--ps-surface); }}
.ps-axis .null {{ position: absolute; top: 1px; height: 15px; border-left: 2px dotted var(--ps-soft); }}
.ps-axis .tick {{ position: absolute; top: 15px; font-size: .66rem; color: var(--ps-soft);
  transform: translateX(-50%); }}
.ps dl.ps-facts {{ display: grid; padding: 0; grid-template-columns: fit-content(42%) 1fr; gap: .12rem .9rem;
  font-size: .86rem;
  margin: .3rem 0; }}
.ps-facts dt {{ color: var(--ps-soft); }}
.ps-facts dd {{ margin: 0; font-variant-numeric: tabular-nums; }}
.ps-rows {{ width: 100%; border-collapse: collapse; font-size: .86rem; }}
.ps-rows td, .ps-rows th {{ padding: .18rem .5rem .18rem 0; border: 0; border-bottom: 1px solid var(--ps-line);
  text-align: left; font-variant-numeric: tabular-nums; font-weight: 400; }}
.ps-rows th {{ color: var(--ps-soft); font-size: .76rem; }}
.ps-wide {{ overflow-x: auto; }}
.ps-wide td {{ white-space: nowrap; padding-right: 1.1rem; }}
.ps-wide th {{ vertical-align: bottom; min-width: 5.6rem; }}
.ps-wide tr > :first-child {{ position: sticky; left: 0; background: var(--ps-surface); }}
.ps-wide .kind td {{ border-bottom: 0; padding-top: .55rem; font-size: .76rem; color: var(--ps-soft); }}
.ps-wide .kind span {{ position: sticky; left: 0; }}
.ps-legend {{ display: flex; align-items: center; gap: .15rem .6rem; font-size: .78rem; color: var(--ps-soft);
  flex-wrap: wrap; margin: .15rem 0; }}
.ps-legend .bar {{ width: 120px; height: 10px; border-radius: 3px;
  background: linear-gradient(90deg, var(--ps-ramp)); }}
.ps-legend .hatch {{ width: 18px; height: 10px; border-radius: 3px;
  background: repeating-linear-gradient(45deg, var(--ps-missing) 0 3px, transparent 3px 6px); }}
.ps-ribbon {{ position: relative; height: 7px; margin-bottom: 2px; background: var(--ps-panel); border-radius: 2px; }}
.ps-ribbon i {{ position: absolute; top: 0; height: 7px; border-radius: 2px; min-width: 2px; }}
.ps-strip {{ height: 16px; border-radius: 3px; background-color: var(--ps-zero); position: relative;
  overflow: hidden; }}
.ps-strip i {{ position: absolute; top: 0; bottom: 0; min-width: 1.5px; }}
.ps-marks {{ position: relative; height: 1.2rem; }}
.ps-range {{ position: relative; height: 5px; margin: -.7rem 0 .15rem; border-radius: 3px; overflow: hidden; }}
.ps-range i {{ position: absolute; top: 0; bottom: 0; }}
.ps-range .natural {{ background: var(--ps-soft); }}
.ps-range .seen {{ background: var(--ps-soft); opacity: .45; }}
.ps-range .beyond {{ background: repeating-linear-gradient(135deg, var(--ps-line) 0 4px, transparent 4px 8px); }}
.ps-marks span {{ position: absolute; white-space: nowrap; }}
.ps-aligned {{ overflow-x: auto; border: 1px solid var(--ps-line); border-radius: 8px; }}
.ps-aligned:focus-visible {{ outline-offset: -2px !important; }}
.ps-aligned .inner {{ width: max-content; min-width: 100%; }}
.ps-aligned .row {{ display: flex; align-items: stretch; min-height: 2.5rem; }}
.ps-aligned .ruler, .ps-aligned .ruler .letters {{ height: 1.5rem; min-height: 0; }}
.ps-aligned .who {{ position: sticky; left: 0; z-index: 2; flex: none; width: clamp(7.5rem, 22vw, 17rem);
  padding: .2rem .6rem; background: var(--ps-surface); border-right: 1px solid var(--ps-line); line-height: 1.25; }}
.ps-aligned .who > * {{ display: block; overflow-wrap: anywhere; }}
.ps-aligned .who a {{ color: var(--ps-link); text-decoration: none; font-weight: 500; }}
.ps-aligned .who a:hover {{ text-decoration: underline; }}
.ps-aligned small {{ color: var(--ps-soft); font-size: .75rem; }}
.ps-aligned .letters {{ position: relative; flex: none; align-self: center; white-space: pre; line-height: 1.6;
  margin: 0 .5rem; font-family: "Source Code Pro", ui-monospace, monospace; font-size: .86rem; }}
.ps-aligned .letters > span {{ position: absolute; top: 0; width: 1ch; display: flex; justify-content: center;
  color: var(--ps-soft); font-size: .86rem; }}
.ps-aligned i {{ font-style: normal; }}
.ps-aligned i.peak {{ outline: 1.5px solid var(--ps-ink); outline-offset: -.5px; border-radius: 2px; }}
.ps-aligned i.zero {{ position: absolute; top: 1.4rem; height: 200rem; width: 1ch; background: var(--ps-panel);
  z-index: -1; box-shadow: 0 0 0 1px var(--ps-line); }}
.ps-aligned .inner {{ position: relative; z-index: 0; overflow: clip; }}
{_levels()}
.ps-bars {{ width: 100%; max-width: 60rem; border-collapse: collapse; font-size: .86rem; }}
.ps-bars th, .ps-bars td {{ border: 0; padding: .12rem .6rem .12rem 0; text-align: left; font-weight: 400;
  font-variant-numeric: tabular-nums; }}
.ps-bars th {{ width: 34%; color: var(--ps-ink); }}
.ps-bars td:last-child {{ width: 9rem; }}
.ps-bar {{ display: block; height: 13px; border-radius: 3px; background: var(--ps-panel); }}
.ps-bar i {{ display: block; height: 13px; border-radius: 3px; min-width: 2px; }}
.ps-columns {{ display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .2rem; font-size: .68rem;
  color: var(--ps-soft); }}
.ps-columns > .unit {{ grid-column: 1; writing-mode: vertical-rl; rotate: 180deg; text-align: center;
  font-size: .74rem; }}
.ps-columns > .unit.across {{ grid-column: 2; writing-mode: horizontal-tb; rotate: none; }}
.ps-columns > .plot, .ps-columns > .names {{ grid-column: 2; position: relative; margin-left: 2.4rem; }}
.ps-columns > .plot {{ height: 100px; margin-top: .5rem; }}
.ps-columns .plot b {{ position: absolute; left: 0; right: 0; border-top: 1px solid var(--ps-line); }}
.ps-columns u {{ position: absolute; right: 100%; margin-right: .3rem; translate: 0 -50%; font-weight: 400;
  text-decoration: none; white-space: nowrap; }}
.ps-columns .boxes {{ position: absolute; inset: 0; display: flex; }}
.ps-columns .boxes > span, .ps-columns .names > span {{ flex: 1; position: relative; text-align: center; }}
.ps-columns .boxes i {{ position: absolute; left: 7%; right: 7%; }}
.ps-columns .names {{ display: flex; min-height: 1.15em; }}
.ps-columns .names b {{ position: absolute; translate: -50%; font-weight: 400; }}
.ps-place-map {{ position: relative; margin: 0 auto; }}
.ps-place-map img {{ display: block; width: 100%; height: 100%; }}
.ps-place-map > span {{ position: absolute; translate: -50% -50%; border-radius: 50%; }}
.ps-place-map > .near {{ width: 7px; height: 7px; background: var(--ps-ink); opacity: .8; }}
.ps-place-map > .here {{ width: 14px; height: 14px; border: 2px solid var(--ps-surface); }}
[data-says]:hover::after {{ content: attr(data-says); position: absolute; z-index: 50; bottom: calc(100% + 2px);
  left: 50%; translate: -50%; width: max-content; max-width: 15rem; padding: .3rem .5rem;
  border: 1px solid var(--ps-line); border-radius: 7px; background: var(--ps-surface); color: var(--ps-ink);
  font-size: .78rem; line-height: 1.35; text-align: left; pointer-events: none;
  box-shadow: 0 4px 16px rgb(0 0 0 / 18%); }}
[data-says]:hover {{ z-index: 50; opacity: 1; }}
.ps-save {{ font-size: .78rem; color: var(--ps-soft); width: max-content; max-width: 100%; }}
.ps-save summary {{ cursor: pointer; width: max-content; color: var(--ps-link); }}
.ps-save div {{ display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .5rem; padding: .25rem 0; }}
.ps-save div span {{ min-width: 6.2rem; }}
.ps-save button {{ font: inherit; color: var(--ps-ink); background: var(--ps-surface); cursor: pointer;
  border: 1px solid var(--ps-line); border-radius: 6px; padding: .12rem .55rem; }}
.ps-save button:hover {{ border-color: var(--ps-violet); }}
.ps-empty {{ border: 1px dashed var(--ps-line); border-radius: 8px; padding: 1.1rem 1.2rem; color: var(--ps-soft); }}
.ps-empty b {{ color: var(--ps-ink); font-weight: 600; }}
[class*="st-key-card_"] {{ position: relative; }}
[class*="st-key-card_"]:hover {{ border-color: var(--ps-violet); }}
[class*="st-key-card_"] .stElementContainer:has(.stPageLink) {{ position: static; }}
[class*="st-key-card_"] [data-testid="stPageLink-NavLink"]::after {{
  content: ""; position: absolute; inset: 0; z-index: 1; }}
[class*="st-key-card_"] .ps-explained {{ z-index: 2; }}
.ps-explained.ps-explained:is(:hover, :focus) {{ z-index: 50; }}
[class*="st-key-card_"] .ps-small {{ line-height: 1.3; }}
</style>"""
