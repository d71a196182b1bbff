"""The views of the Compare page, and the control that changes between them. Read `switch`."""

from explorer.shell import frame

VIEWS = {"term": "One term", "methods": "All methods", "sets": "Two sets of proteins", "features": "Every feature"}


def switch() -> str:
    """The control; the view that it shows."""
    return frame.choice("Show", "view", list(VIEWS), show=VIEWS.__getitem__)
