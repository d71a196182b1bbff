"""Colours that carry meaning, and the style sheet of the HTML that pages write.

Identity: ProtSAE is blue, vanilla orange (Okabe-Ito, safe for colour-blind readers), everywhere. Activation: one ramp
from the page's neutral tone at zero to violet; its dark-mode twin ends bright. Missing is hatched grey. The style sheet
uses `light-dark()`, so a change of theme needs no server. Read `ramp` and `STYLE_SHEET`.
"""

from typing import Literal

Mode = Literal["light", "dark"]

PROTSAE = "#0072B2"
VANILLA = "#E69F00"

RAMP: dict[Mode, tuple[str, ...]] = {
    "light": ("#ebe9f0", "#d5c7ee", "#b698e0", "#915fcb", "#6a2fac", "#40107c"),
    "dark": ("#2c2e38", "#3d2f63", "#58409c", "#7c57dc", "#a67fff", "#d3bcff"),
}
"""Activation from 0 to full colour in equal steps; `components/pv_theme.js` holds the same."""

MISSING: dict[Mode, str] = {"light": "#C9C6C2", "dark": "#55525C"}
MUTED: dict[Mode, str] = {"light": "#BDB9B4", "dark": "#57535F"}
INK: dict[Mode, str] = {"light": "#25232B", "dark": "#ECEAF0"}
SURFACE: dict[Mode, str] = {"light": "#FFFFFF", "dark": "#151419"}
GRID: dict[Mode, str] = {"light": "#E9E6E2", "dark": "#2F2C36"}

NAMESPACE_COLOURS = {"MFO": "#0072B2", "BPO": "#009E73", "CCO": "#CC79A7", "": "#999999"}
ORIGIN_COLOURS = {"guided": "#0072B2", "go": "#009E73", "annotation": "#CC79A7", "none": "#9A96A0"}

TRACK_COLOURS = ("#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#B8A100", "#8C6D46", "#5F7F8C", "#A05195")
"""Annotation kinds in the order in which a view first meets them; none is an identity colour."""


def identity(sae: str) -> str:
    """The colour that stands for this SAE wherever the two kinds are compared."""
    return VANILLA if sae == "vanilla" else PROTSAE


def ramp(mode: Mode) -> list[tuple[float, str]]:
    """Activation ramp as plotly reads it: (share of full colour, hex)."""
    stops = RAMP[mode]
    return [(i / (len(stops) - 1), colour) for i, colour in enumerate(stops)]


def shade(mode: Mode, level: float) -> str:
    """The ramp's colour at `level`, 0 to 1 of full colour."""
    stops = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in RAMP[mode]]
    place = min(max(level, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    pairs = zip(stops[low], stops[low + 1], strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - low)):02x}" for a, b in pairs)


def _pair(values: dict[Mode, str]) -> str:
    return f"light-dark({values['light']}, {values['dark']})"


def _gradient() -> str:
    steps = zip(RAMP["light"], RAMP["dark"], strict=True)
    return ", ".join(f"light-dark({light}, {dark})" for light, dark in steps)


STYLE_SHEET = f"""<style>
:root {{
  --ps-protsae: light-dark({PROTSAE}, #4BA6DE); --ps-vanilla: light-dark({VANILLA}, #F0B441);
  --ps-ink: {_pair(INK)}; --ps-soft: light-dark(#6A6670, #A6A1AE); --ps-line: light-dark(#E2DFDB, #38353F);
  --ps-panel: light-dark(#F6F5F3, #211F27); --ps-missing: {_pair(MISSING)}; --ps-zero: {
    _pair({"light": RAMP["light"][0], "dark": RAMP["dark"][0]})
};
  --ps-violet: light-dark({RAMP["light"][4]}, {RAMP["dark"][4]}); --ps-ramp: {_gradient()};
}}
.stMainBlockContainer {{ padding: 4.4rem clamp(1rem, 2.6vw, 3rem) 3rem; max-width: 1600px; }}
[data-testid="stPageLink-NavLink"] {{ padding: .1rem 0; color: light-dark(#5B2A9D, #C9A6F5); }}
[data-testid="stPageLink-NavLink"], [data-testid="stPageLink-NavLink"]:hover {{ background: none !important; }}
[data-testid="stPageLink-NavLink"] p {{ white-space: normal; font-weight: 500; color: light-dark(#5B2A9D, #C9A6F5); }}
[data-testid="stPageLink-NavLink"]:hover p {{ text-decoration: underline; }}
.ps {{ color: var(--ps-ink); font-size: .93rem; line-height: 1.45; }}
.ps * {{ box-sizing: border-box; }}
.ps-term {{ font-size: 1.12rem; font-weight: 600; }}
.ps-soft {{ color: var(--ps-soft); }}
.ps-small {{ font-size: .82rem; }}
.ps-lead {{ font-size: 1.02rem; color: var(--ps-soft); max-width: 82ch; margin: -.35rem 0 .1rem; }}
.ps-eyebrow {{ font-size: .8rem; color: var(--ps-soft); letter-spacing: .01em; }}
.ps-eyebrow b {{ font-weight: 600; color: var(--ps-ink); }}
.ps-dot {{ display: inline-block; width: .62em; height: .62em; border-radius: 50%; margin-right: .4em; }}
.ps-mono {{ font-family: "Source Code Pro", ui-monospace, monospace; font-size: .86em; }}
.ps-badge {{ display: inline-block; border: 1px solid var(--ps-line); border-radius: 99px; padding: .06rem .55rem;
  margin: 0 .3rem .3rem 0; font-size: .78rem; color: var(--ps-soft); cursor: help; }}
.ps-badge.warn {{ border-color: light-dark(#D9A100, #8F6C00); color: light-dark(#7A5600, #F0C75E); }}
.ps-badge.good {{ border-color: var(--ps-violet); color: var(--ps-violet); }}
.ps-score {{ display: flex; align-items: baseline; gap: 0 .9rem; flex-wrap: wrap; }}
.ps-score .big {{ font-size: 1.55rem; font-weight: 640; font-variant-numeric: tabular-nums; line-height: 1.15; }}
.ps-score .unit {{ font-size: .78rem; color: var(--ps-soft); cursor: help; }}
.ps-score .pair {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
.ps-axis {{ position: relative; height: 26px; margin: .35rem 0 .1rem; }}
.ps-axis .rail {{ position: absolute; left: 0; right: 0; top: 8px; height: 1px; background: var(--ps-line); }}
.ps-axis .ci {{ position: absolute; top: 5px; height: 7px; border-radius: 4px; opacity: .38; }}
.ps-axis .at {{ position: absolute; top: 2px; width: 13px; height: 13px; margin-left: -6.5px; border-radius: 50%;
  border: 2px solid {_pair(SURFACE)}; }}
.ps-axis .null {{ position: absolute; top: 1px; height: 15px; border-left: 2px dotted var(--ps-soft); }}
.ps-axis .tick {{ position: absolute; top: 15px; font-size: .66rem; color: var(--ps-soft);
  transform: translateX(-50%); }}
.ps dl.ps-facts {{ display: grid; padding: 0; grid-template-columns: auto 1fr; gap: .12rem .9rem; font-size: .86rem;
  margin: .3rem 0; }}
.ps-facts dt {{ color: var(--ps-soft); cursor: help; }}
.ps-facts dd {{ margin: 0; font-variant-numeric: tabular-nums; }}
.ps-rows {{ width: 100%; border-collapse: collapse; font-size: .86rem; }}
.ps-rows td, .ps-rows th {{ padding: .18rem .5rem .18rem 0; border: 0; border-bottom: 1px solid var(--ps-line);
  text-align: left; font-variant-numeric: tabular-nums; font-weight: 400; }}
.ps-rows th {{ color: var(--ps-soft); font-size: .76rem; }}
.ps-wide {{ overflow-x: auto; }}
.ps-wide td {{ white-space: nowrap; padding-right: 1.1rem; }}
.ps-wide th {{ vertical-align: bottom; min-width: 5.6rem; }}
.ps-wide tr > :first-child {{ position: sticky; left: 0; background: {_pair(SURFACE)}; }}
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
.ps-window {{ display: flex; overflow-x: auto; font-family: "Source Code Pro", ui-monospace, monospace;
  font-size: .82rem; line-height: 1.45; }}
.ps-window i {{ flex: 0 0 1.12em; width: 1.12em; text-align: center; font-style: normal; }}
.ps-window i:nth-child(16) {{ outline: 1.5px solid var(--ps-ink); outline-offset: -1.5px; border-radius: 2px; }}
@media (max-width: 640px) {{ .ps-window {{ font-size: .68rem; }} }}
.ps-empty {{ border: 1px dashed var(--ps-line); border-radius: 8px; padding: 1.1rem 1.2rem; color: var(--ps-soft); }}
.ps-empty b {{ color: var(--ps-ink); font-weight: 600; }}
.ps-name {{ overflow: hidden; text-overflow: ellipsis; display: -webkit-box; -webkit-line-clamp: 2;
  -webkit-box-orient: vertical; }}
</style>"""
