"""One source for colours: no literal elsewhere, and a changed colour arrives in every place that draws."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from explorer import theme
from protsae import palette

ROOT = Path(__file__).resolve().parents[2]
LITERAL = re.compile(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b|\brgba?\(|\bhsla?\(")
HOLDS_COLOURS = (".py", ".js", ".css", ".html", ".svg")
SHADOW = "rgb(0 0 0 / 18%)"
"""Black light on whatever lies below, which is no colour of its own."""

DRAW_EVERYTHING = """
import json, sys
from protsae import palette
ramp = {mode: (*stops[:-1], "#0a0b0c") for mode, stops in palette.RAMP.items()}
palette.RAMP, palette.VIEWER["light"]["ramp"], palette.VIEWER["dark"]["ramp"] = ramp, ramp["light"], ramp["dark"]
palette.ROLES_ON_PAGE["guided"]["light"] = "#0d0e0f"
import numpy as np
import pandas as pd
from explorer import theme
from explorer.atlas import colours
from explorer.components import atlas, protein_view, strips
from explorer.draw import charts, columns
table = pd.DataFrame({"go_id": ["a"], "guided_f1": [0.6], "baseline_f1": [0.3]})
print(json.dumps({
    "strip": strips.strip_thumbnail(np.array([4.0]), 4.0),
    "letters": [line for line in theme.STYLE_SHEET.splitlines() if ".ps-aligned .v20" in line],
    "histogram": columns.histogram([1, 1], 2.0, 0.1),
    "map by score": atlas._as_json(colours.colouring("f1", "dark"), "dark"),
    "viewer": protein_view.PALETTE,
    "identity: map": colours.colouring("kind", "light").colours,
    "identity: difference": charts.difference(table, "light").data[0].marker.color,
    "identity: a role": theme.identity("guided", "light"),
}))
"""


@pytest.mark.parametrize("package", ["explorer", "precompute", "protsae"])
def test_no_colour_stands_outside_the_palette(package: str) -> None:
    files = [path for path in (ROOT / package).rglob("*") if path.suffix in HOLDS_COLOURS]
    found = {
        f"{path.relative_to(ROOT)}: {literal.group()}"
        for path in files
        if path.name not in ("palette.py", "3Dmol-min.js")
        for literal in LITERAL.finditer(path.read_text(encoding="utf-8").replace(SHADOW, ""))
    }

    assert len(files) > 5
    assert not found


def test_a_changed_colour_changes_everything_that_draws_it() -> None:
    done = subprocess.run([sys.executable, "-c", DRAW_EVERYTHING], cwd=ROOT, capture_output=True, text=True, check=True)
    drawn = {place: json.dumps(what) for place, what in json.loads(done.stdout).items()}

    assert {place for place, what in drawn.items() if "#0d0e0f" in what} == {
        place for place in drawn if place.startswith("identity")
    }
    assert {place for place, what in drawn.items() if "#0a0b0c" in what} == {
        place for place in drawn if not place.startswith("identity")
    }


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_streamlits_own_file_holds_the_palettes_colours(mode: str) -> None:
    with (ROOT / "explorer" / ".streamlit" / "config.toml").open("rb") as file:
        written = tomllib.load(file)["theme"][mode]

    assert written == palette.CHROME[mode]


def test_both_themes_know_the_same_colours() -> None:
    for pair in (palette.RAMP, palette.SOLID_RAMP, palette.FAMILIES, palette.VIEWER, palette.CHROME):
        assert len(pair["light"]) == len(pair["dark"])
    assert palette.VIEWER["light"].keys() == palette.VIEWER["dark"].keys()


def test_the_style_sheet_names_every_variable_that_pages_use() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "explorer").rglob("*.py")]
    used = {name for text in sources for name in re.findall(r"var\(--ps-([a-z-]+)\)", text)}
    defined = set(re.findall(r"--ps-([a-z-]+):", theme.STYLE_SHEET))

    assert used <= defined
    assert set(palette.ROLES_ON_PAGE) <= defined


def test_colours_mix_channel_by_channel() -> None:
    assert theme.mix("#000000", "#ff8040", 0.5) == "#804020"
    assert theme.pair({"light": "#000000", "dark": "#ffffff"}) == "light-dark(#000000, #ffffff)"
