"""Protein: what does the model see in this protein?"""

from explorer.protein_page import head, report, which
from explorer.shell import frame


def main() -> None:
    """The page."""
    shown = which.asked()
    if shown.protein is None:
        lead = (
            "All features that fire in a protein of this bundle, and its function as it is known and as it is called."
        )
        frame.headline("What does the model see in this protein?", lead, tab=(shown.text, "Protein"))
        if shown.text:
            which.absent(shown.text)
        which.picker(None)
        return
    head.show(shown.protein)
    which.picker(shown.protein)
    report.show(shown.protein, shown.first)


main()
