"""The Compare page's view of every feature: all that was measured of each, side by side, to sort and to take away.

Read `page`, then `listed`.
"""

import pandas as pd
import streamlit as st

from explorer.compare import views
from explorer.draw import density, downloads, label_worth, markup, shared_terms, words
from explorer.draw.every_feature import densities
from explorer.services import audits, data
from explorer.shell import frame, links, takeaway
from explorer.shell.tables import clickable, clicked_row
from protsae.store.analyses.alikeness import ALIKENESS
from protsae.store.analyses.breadth import BREADTH
from protsae.store.analyses.dense import DENSE, DENSEST
from protsae.store.analyses.enriched import ENRICHED
from protsae.store.analyses.folds import FOLDS
from protsae.store.analyses.steerability import STEERABILITY
from protsae.store.analyses.telling import TELLING

MOST_ROWS = 500
NOTHING = "nothing known"
KINDS = {"all": "All", "defined": "Guided", "free": "Free"}
SORTS = {
    "alike": ("How alike its proteins are", "z", False),
    "told": ("How well its label tells proteins", "detection", False),
    "strong": ("… in the strongest tenth", "strong", False),
    "relatives": ("… against relatives", "relatives", False),
    "letters": ("… by what its label's proteins share", "embedding", False),
    "residues": ("How well a rule tells residues", "fuzzing", False),
    "raised": ("How surely raising it raises its label", "raised_p", True),
    "space": ("How alike its places are in space", "fold_z", True),
    "narrow": ("Fewest organisms", "breadth", True),
    "densest": ("Densest", "density", False),
    "rarest": ("Rarest", "density", True),
    "number": ("Number", "feature", True),
}
"""By the name in the address: words, column, whether it ascends."""


def page() -> None:
    """The view."""
    sae = frame.settings().sae
    frame.headline(
        f"Every feature of {data.sae(sae).display_name}, every measure",
        "What holds of all features at once: does a label tell where its feature fires, are its proteins alike by "
        "something other than this model, what do dense features carry? Labels and proteins are judged on test "
        "proteins; every number has its null on the feature's own page. The side bar has the other autoencoder.",
        tab=("Every feature",),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        views.switch()
        kind = frame.choice("Guided or free", "origin", list(KINDS), show=KINDS.__getitem__, kind="select")
        sort = frame.choice("Sort by", "sort", list(SORTS), show=lambda one: SORTS[one][0], kind="select")
    carries = {feature: density.short(own) or NOTHING for feature, own in audits.tags_of(sae).items()}
    table = audits.measured(sae)
    table = table.assign(carries=[carries.get(feature, "") for feature in table["feature"].tolist()])
    told(sae, table)
    listed(sae, table if kind == "all" else table.loc[table["kind"] == kind], sort)


def told(sae: str, table: pd.DataFrame) -> None:
    """What each measure says of the whole autoencoder, beside its null; how dense its features are."""
    for reason in filter(None, map(data.absence, (TELLING, STEERABILITY, ALIKENESS, BREADTH, FOLDS, ENRICHED, DENSE))):
        frame.say(reason, "ps-small ps-soft")
    st.html(markup.wrap(markup.facts(summary(sae, table))))
    st.header("How densely do they fire?", anchor=False)
    dense = table.loc[table["density"] > DENSEST]
    frame.say(
        f"{len(dense):,} of {len(table):,} features fire on more than a tenth of all residues (dotted). "
        + (
            f"{int((~dense['carries'].isin(['', 'nothing known'])).sum())} of them carry something that is known."
            if len(dense)
            else ""
        )
    )
    figure = densities(table["density"].to_numpy(), data.sae(sae).role, frame.mode())
    takeaway.chart(
        figure, "densities", f"Features of {data.sae(sae).display_name} by the share of residues they fire on"
    )


def summary(sae: str, table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Means over the features of an autoencoder."""
    rows = []
    held = table.loc[table["label_grade"] != "none"]
    for name, own in (("Confirmed labels", held), ("Guesses", table.loc[table["label_grade"] == "none"])):
        if own["detection"].notna().any():
            mean = own[["detection", "strong", "null_detection", "relatives", "fuzzing", "null_fuzzing"]].mean()
            text = (
                f"in proteins {words.number(mean['detection'])} (null {words.number(mean['null_detection'])}), in the "
                f"strongest tenth {words.number(mean['strong'])}, against "
                f"relatives {words.number(mean['relatives'])}, at residues {words.number(mean['fuzzing'])} (null "
                f"{words.number(mean['null_fuzzing'])})"
            )
            rows.append((f"{name} tell", text, f"{label_worth.DETECTION} {label_worth.RULE}"))
        if own["embedding"].notna().any():
            mean = own[["embedding", "null_embedding"]].mean()
            text = f"{words.number(mean['embedding'])} (null {words.number(mean['null_embedding'])})"
            rows.append((f"{name}: what their proteins share ranks", text, label_worth.POINT))
    if table["raised"].notna().any():
        mean = table[["raised", "null_raised"]].mean()
        of = words.count(int(table["raised"].notna().sum()), "feature")
        text = f"{mean['raised']:+.2f} log-odds (null {mean['null_raised']:+.2f}), mean of {of}"
        rows.append(("Raised, the label", text, label_worth.RAISED))
    if table["z"].notna().any():
        counts = [int((table[column] >= label_worth.SURE_Z).sum()) for column in ("z", "null_z")]
        of = int(table["z"].notna().sum())
        text = f"{counts[0]:,} of {of:,} features by {label_worth.SURE_Z:g} standard deviations (null {counts[1]:,})"
        rows.append(("Proteins alike in sequence", text, label_worth.ALIKE))
    if table["fold_z"].notna().any():
        counts = [int((table[column] <= -label_worth.SURE_Z).sum()) for column in ("fold_z", "null_fold_z")]
        of = int(table["fold_z"].notna().sum())
        text = f"{counts[0]:,} of {of:,} features by {label_worth.SURE_Z:g} standard deviations (null {counts[1]:,})"
        rows.append(("Places alike in space", text, label_worth.SPACE))
    if (found := audits.enriched_summary(sae)) is not None:
        rows.append(("Strongest proteins share a term", shared_terms.overall(found), shared_terms.HELP))
    return rows


def listed(sae: str, table: pd.DataFrame, sort: str) -> None:
    """The first rows in the order asked for; a click opens the feature, the file has all."""
    st.header("All features, to sort", anchor=False)
    _, column, ascending = SORTS[sort]
    ordered = table.sort_values([column, "feature"], ascending=[ascending, True], na_position="last", kind="stable")
    shown = ordered.head(MOST_ROWS)
    st.caption(f"{len(shown):,} of {words.count(len(ordered), 'feature')}. Click a row to open it; the file has all.")
    key = f"every_{sae}_{sort}_{len(ordered)}"
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame({
            "Feature": [f"#{feature}" for feature in shown["feature"]],
            "Label": [words.label(*pair) for pair in zip(shown["label"], shown["label_grade"], strict=True)],
            "Fires on, %": 100 * shown["density"],
            "Alike, z": shown["z"],
            "In space, Å": shown["rmsd"],
            "z": shown["fold_z"],
            "Organisms": shown["breadth"],
            "Label tells": shown["detection"],
            "strongest tenth": shown["strong"],
            "null": shown["null_detection"],
            "relatives": shown["relatives"],
            "letters": shown["embedding"],
            " null": shown["null_embedding"],
            "Raised, label": shown["raised"],
            "random": shown["null_raised"],
            "p": shown["raised_p"],
            "Rule at residues": [label_worth.rule(one) for one in shown["rule"].fillna("")],
            "tells": shown["fuzzing"],
            "null ": shown["null_fuzzing"],
            "Strongest share": shown["shared"],
            "Dense: carries": shown["carries"],
        }),
        hide_index=True, height=420, **clickable(key),
        column_config={
            "Label": text(help=words.HELP["label"], width="medium"),
            "Fires on, %": number(format="%.3f", help=words.HELP["density"]),
            "Alike, z": number(format="%.1f", help=label_worth.ALIKE),
            "In space, Å": number(format="%.1f", help=label_worth.SPACE),
            "z": number(format="%.1f", help=label_worth.SPACE),
            "Organisms": number(format="%.1f", help=label_worth.BROAD),
            "Label tells": number(format="%.2f", help=label_worth.DETECTION),
            "strongest tenth": number(format="%.2f", help=label_worth.STRONGEST),
            "null": number(format="%.2f", help="Shuffled labels."),
            "relatives": number(format="%.2f", help=label_worth.HARD),
            "letters": number(format="%.2f", help=label_worth.POINT),
            " null": number(format="%.2f", help="Other labels."),
            "Raised, label": number(format="%+.2f", help=label_worth.RAISED),
            "random": number(format="%+.2f", help="A random direction, less a random feature."),
            "p": number(format="%.2g", help="Against both controls, before any correction for the number of features."),
            "Rule at residues": text(help=label_worth.RULE),
            "tells": number(format="%.2f", help=label_worth.RULE),
            "null ": number(format="%.2f", help="The rule moved along the chain."),
            "Strongest share": text(help=shared_terms.HELP, width="medium"),
            "Dense: carries": text(help=density.HELP),
        },
    )  # fmt: skip
    names = [name for name in ordered.columns if name != "sae"]
    st.download_button(
        "Every feature (CSV)",
        lambda: downloads.table_csv(["sae", *names], [[sae, *row] for row in ordered[names].itertuples(index=False)]),
        f"{downloads.file_name(sae, 'features')}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    clicked = clicked_row(key)
    if clicked is not None:
        frame.go(links.feature(sae, int(shown["feature"].iloc[clicked])))
