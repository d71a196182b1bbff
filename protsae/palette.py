"""Every colour of the project, once: pages, charts, the protein viewer, still pictures, the report's figures.

Plain values and no imports, so that a style sheet, a script and a plotting library can all take them. Where the two
themes differ a colour is a pair, `{"light": ..., "dark": ...}`. Two languages: identity (an SAE of which role?) is blue
and orange of Okabe and Ito, safe for colour-blind readers, and a dark crimson; activation is one violet ramp from the
page's neutral tone.
`explorer/.streamlit/config.toml` is a file that Streamlit reads by itself; a test holds it equal to `CHROME`.

Source:
    Okabe and Ito 2008, Color Universal Design (https://jfly.uni-koeln.de/color/), for the identities and most tracks;
    Tol 2021, Colour Schemes (https://personal.sron.nl/~pault/), "muted" and an orange, for families.
"""

GUIDED, UNGUIDED, IMPORTED = "#0072B2", "#E69F00", "#8C1C3A"
_GREEN, _VERMILION, _SKY, _PINK = "#009E73", "#D55E00", "#56B4E9", "#CC79A7"

ROLES_ON_PAGE = {
    "guided": {"light": GUIDED, "dark": "#4BA6DE"},
    "unguided": {"light": UNGUIDED, "dark": "#F0B441"},
    "imported": {"light": IMPORTED, "dark": "#E07A93"},
}
"""SAEs by their role, in text, charts and maps; imported differs from both others in lightness, too."""

ORIGINS = {"go": _GREEN, "annotation": _PINK, "none": "#9A96A0"}
"""Where a feature's label comes from, unless from guidance, which has its role's colour."""

TRACKS = (_GREEN, _VERMILION, _SKY, _PINK, "#B8A100", "#8C6D46", "#5F7F8C", "#A05195")
"""Annotation kinds in the order in which a view first meets them; none is an identity colour."""

CHEMISTRY = {
    "oily": ("AVLIM", {"light": "#4A4753", "dark": "#C9C5D2"}),
    "aromatic": ("FWY", {"light": "#8C6D46", "dark": "#CFAE80"}),
    "polar": ("STNQ", {"light": "#007F5C", "dark": "#3CC79C"}),
    "positive": ("KRH", {"light": "#2B7FB3", "dark": "#7CC4EF"}),
    "negative": ("DE", {"light": "#C45500", "dark": "#FF9147"}),
    "cysteine": ("C", {"light": "#857400", "dark": "#D9C632"}),
    "turning": ("GP", {"light": "#A05195", "dark": "#E09AD2"}),
}
"""Kinds of residues in logos: name -> letters and colour; each kind apart for colour-blind readers, too."""
FAMILIES = {
    "light": (
        "#332288", "#117733", "#CC6677", "#88CCEE", "#999933", "#882255", "#44AA99", "#EE7733", "#AA4499", "#DDCC77",
    ),
    "dark": (
        "#8E7CEB", "#3FB56B", "#E38A98", "#88CCEE", "#B8B84A", "#D9659A", "#5CCBB8", "#EE8F55", "#CB72BD", "#E6D78A",
    ),
}  # fmt: skip
"""The largest families of features, in order; all others are grey."""

RAMP = {
    "light": ("#ebe9f0", "#d5c7ee", "#b698e0", "#915fcb", "#6a2fac", "#40107c"),
    "dark": ("#2c2e38", "#3d2f63", "#58409c", "#7c57dc", "#a67fff", "#d3bcff"),
}
"""Activation from 0 to full colour in equal steps."""

RAMP_NAME = "violet"
"""What a text calls the ramp."""

SOLID_RAMP = {
    "light": ("#fbfaff", "#dccff2", *RAMP["light"][2:]),
    "dark": ("#70748a", "#7468ad", "#7a5cc8", "#8a66ea", "#ab87ff", "#dccaff"),
}
"""The ramp on lit surfaces: zero must be lighter (darker) than any shaded violet, or it would look like a value."""

STILL_CHAIN = {"silent": "#9a98a6", "full": "#7c48d0"}
"""Chains as pictures that know no theme."""

INK = {"light": "#25232B", "dark": "#ECEAF0"}
SURFACE = {"light": "#FFFFFF", "dark": "#151419"}
PANEL = {"light": "#F6F5F3", "dark": "#211F27"}
LINE = {"light": "#E2DFDB", "dark": "#38353F"}
SOFT = {"light": "#6A6670", "dark": "#A6A1AE"}
LINK = {"light": "#5B2A9D", "dark": "#C9A6F5"}
MISSING = {"light": "#C9C6C2", "dark": "#55525C"}
MUTED = {"light": "#BDB9B4", "dark": "#57535F"}
WARNING_LINE = {"light": "#D9A100", "dark": "#8F6C00"}
WARNING_INK = {"light": "#7A5600", "dark": "#F0C75E"}
CHANGE = {"light": ("#A8326F", "#F6F5F3", "#007355"), "dark": ("#E58DBB", "#211F27", "#3FC79D")}
"""Of a signed change: full loss, none, full gain."""
CLEAR = "rgba(0,0,0,0)"
ON_PRIMARY = {"light": "#FFFFFF", "dark": "#17141F"}
"""Text on a filled button."""

INVERSE_FROM_LEVEL = 0.45
"""Share of full colour from which letters on the ramp take the page's surface instead of its ink."""

CHROME = {
    "light": {
        "primaryColor": LINK["light"],
        "backgroundColor": SURFACE["light"],
        "secondaryBackgroundColor": PANEL["light"],
        "textColor": INK["light"],
        "linkColor": LINK["light"],
        "borderColor": LINE["light"],
        "sidebar": {"backgroundColor": PANEL["light"], "secondaryBackgroundColor": SURFACE["light"]},
    },
    "dark": {
        "primaryColor": "#B98CF0",
        "backgroundColor": SURFACE["dark"],
        "secondaryBackgroundColor": PANEL["dark"],
        "textColor": INK["dark"],
        "linkColor": LINK["dark"],
        "borderColor": LINE["dark"],
        "sidebar": {"backgroundColor": "#1B1A20", "secondaryBackgroundColor": "#2A2831"},
    },
}
"""What Streamlit draws by itself, by its own names."""

VIEWER = {
    "light": {
        "ramp": RAMP["light"],
        "solidRamp": SOLID_RAMP["light"],
        "inkOnPale": "#17141f",
        "inkOnDeep": "#ffffff",
        "background": "#ffffff",
        "text": "#31333f",
        "faint": "#6b6d7c",
        "line": "#d5d4de",
        "missing": "#a9aab5",
        "track": "#7d8fa3",
        "onTrack": "#ffffff",
        "cursor": "#00998a",
        "carbon": "#8a7433",
    },
    "dark": {
        "ramp": RAMP["dark"],
        "solidRamp": SOLID_RAMP["dark"],
        "inkOnPale": "#17141f",
        "inkOnDeep": "#ffffff",
        "background": "#ffffff",
        "text": "#fafafa",
        "faint": "#9a9cab",
        "line": "#454857",
        "missing": "#6d7080",
        "track": "#8fa3b8",
        "onTrack": "#10131a",
        "cursor": "#35d6c3",
        "carbon": "#c7b27a",
    },
}
"""The protein viewer; background and text stand in where the page's theme names none."""

VIEWER_PALE_FROM = 0.52
"""Luminance (0 to 1) of a ramp colour above which the viewer's letters are dark."""

ELEMENTS = {
    "N": "#3f6fd8", "O": "#d8402f", "S": "#c9a400", "P": "#d9822b", "H": "#d0d0d0", "Fe": "#c9622e", "Zn": "#5f86a8",
    "Mg": "#2e9e4f", "Ca": "#35a06b", "Cl": "#3aa63a", "Cu": "#b8733f", "Mn": "#8a5fb0", "Ni": "#4fa06a",
    "Co": "#d0708f", "Na": "#7a6fd0", "K": "#7a5fc0",
}  # fmt: skip
"""Atoms of ligands."""

SERIES = (
    "#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626", "#0891b2", "#65a30d", "#db2777", "#4b5563", "#92400e",
)  # fmt: skip
"""Methods in the report's figures, in order; more than the identities can tell apart."""

FIGURE = {"paper": "#ffffff", "text": "#374151", "axis": "#6b7280", "grid": "#d1d5db"}
"""The report's figures, which stand on white."""
