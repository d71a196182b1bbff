"""The theme of a feature, as one line. Read `line`."""

from explorer.draw import words
from explorer.services import themes
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links


def line(ref: FeatureRef) -> None:
    """A link to its theme; nothing where it has none."""
    number = themes.usual(ref.sae)
    theme = None if number is None else themes.theme_of(ref, number)
    if number is not None and theme is not None:
        name = words.capitalised(themes.themed(ref.sae, number).name(theme, 3))
        tip = f"The theme that it is joined to, of {number}: features that stand out in proteins with the same words."
        frame.link(links.themes(ref.sae, theme), f"Theme: {name}", icon=":material/category:", tip=tip)
