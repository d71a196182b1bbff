"""All results of one kind in a table: filtered, sorted and paged by the address, with small structures in the rows.

Read `show`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.draw import confounded, downloads, markup, outward, returning, words
from explorer.find import filters
from explorer.services import data, proteins, searching, seeds
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links
from explorer.shell.tables import clickable, clicked_row

PAGE = 20
"""Rows; each may hold a small structure."""
ROW_PX = 58
NAMES = {"terms": "Terms", "features": "Features", "proteins": "Proteins", "sites": "Kinds of sites"}
PICTURE = "Its stored structure, silent in grey; of a feature, one of its examples, violet where it fires."


@st.fragment
@frame.guarded
def show(query: str, found: searching.SearchResult) -> None:
    """Choice of the kind, filters, counts, table, pages; a filter redraws this part only."""
    counts = counted(found)
    if not counts:
        return
    st.header("All results, to filter and sort", anchor=False)
    kind = frame.choice(
        "List", "list", list(counts), show=lambda one: f"{NAMES[one]} {counts[one]:,}",
        clears=[name for name in filters.PARAMETERS if name != "list"],
    )  # fmt: skip
    rows = table_of(query, kind)
    ask = filters.asked(kind)
    filters.controls(kind, rows)
    kept = filters.kept(rows, ask)
    n_pages = max(1, -(-len(kept) // PAGE))
    page = at_page(n_pages)
    first = PAGE * (page - 1)
    what = f"{len(kept):,} of {len(rows):,} {NAMES[kind].lower()}"
    if kept.empty:
        st.html(markup.empty(f"{what}: none passes these filters.", "Loosen one of them."))
        return
    st.caption(f"{what}; rows {first + 1:,} to {min(first + PAGE, len(kept)):,}. Click a row to open it.")
    shown = kept.iloc[first : first + PAGE]
    drawn(kind, shown, key=f"all_{kind}_{abs(hash((query, ask, page)))}")
    with st.container(horizontal=True, vertical_alignment="center"):
        paging(page, n_pages)
        st.download_button(
            "All that pass (CSV)", lambda: csv(kept), f"{downloads.file_name('find', query[:40], kind)}.csv",
            mime="text/csv", icon=":material/download:", on_click="ignore", key="save_all_results",
        )  # fmt: skip


def counted(found: searching.SearchResult) -> dict[str, int]:
    """Kinds that have results, and how many; terms come first, but last where no protein carries one."""
    names = ("terms", "proteins", "sites", "features")
    counts = {name: len(hits) for name, hits in zip(names, found, strict=True)}
    is_carried = any(hit.n_test + hit.n_shipped for hit in found.terms)
    kinds = sorted(NAMES, key=lambda kind: kind == "terms" and not is_carried)
    return {kind: counts[kind] for kind in kinds if counts[kind]}


def at_page(n_pages: int) -> int:
    """The page that the address asks for, from 1, the nearest there is."""
    text = st.query_params.get("at", "1")
    return min(n_pages, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def paging(page: int, n_pages: int) -> None:
    """Buttons to the pages before and after."""
    if n_pages == 1:
        return

    def turn(to: int) -> None:
        frame.write_address(at=str(to) if to > 1 else None)

    st.button("Previous page", on_click=turn, args=(page - 1,), disabled=page == 1, icon=":material/chevron_left:")
    st.caption(f"page {page:,} of {n_pages:,}", width="content")
    st.button("Next page", on_click=turn, args=(page + 1,), disabled=page == n_pages, icon=":material/chevron_right:")


@cached_by_bundle(64, shared=True)
def table_of(query: str, kind: str) -> pd.DataFrame:
    """Every hit of one kind with what it can be filtered and sorted by; see `filters.kept`."""
    found = searching.search(query)
    if kind == "terms":
        return _terms(found)
    if kind == "features":
        return _features(found)
    if kind == "sites":
        return _sites(found)
    hits = pd.DataFrame(found.proteins)
    return hits.assign(name=hits["protein_name"], in_space=hits["has_structure"])


@cached_by_bundle(4, shared=True)
def _standing() -> pd.DataFrame:
    """For every scored term its guided feature, else the best of another autoencoder, by go_id."""
    rows = data.bundle().reader.scored_terms()
    return rows.drop_duplicates("go_id").set_index("go_id")


@cached_by_bundle(4, shared=True)
def _unguided() -> pd.DataFrame:
    """For every scored term the best feature of an autoencoder without guidance, by go_id."""
    rows = data.bundle().reader.scored_terms()
    alone = {row.name for row in data.baseline_saes()}
    return rows.loc[rows["sae"].isin(alone)].drop_duplicates("go_id").set_index("go_id")


def _terms(found: searching.SearchResult) -> pd.DataFrame:
    hits = pd.DataFrame(found.terms)
    best = _standing().reindex(hits["go_id"]).reset_index(drop=True)
    other = _unguided().reindex(hits["go_id"]).reset_index(drop=True)
    facts = best[["sae", "feature", "null_f1", "density", "n_pos_test"]]
    grade = best["grade"].fillna("none")
    return pd.concat([hits, facts], axis=1).assign(
        f1=best["test_f1"], grade=grade, n_proteins=hits["n_shipped"], unguided_f1=other["test_f1"]
    )


def _features(found: searching.SearchResult) -> pd.DataFrame:
    hits = pd.DataFrame(found.features)
    tables = {sae: data.map_points(sae).set_index("feature")["label_id"] for sae in hits["sae"].unique()}
    ids = [tables[sae].get(feature, "") for sae, feature in zip(hits["sae"], hits["feature"], strict=True)]
    namespace = [_namespaces().get(go_id, "") for go_id in ids]
    in_space = proteins.in_space()
    shaped = [FeatureRef(sae, int(n)) in in_space for sae, n in zip(hits["sae"], hits["feature"], strict=True)]
    return hits.assign(
        label_id=ids, namespace=namespace, in_space=shaped, origin=hits["kind"], name=hits["label"],
        grade=hits["label_grade"], f1=hits["label_f1"].astype(float), null_f1=hits["label_null_f1"].astype(float),
    )  # fmt: skip


@cached_by_bundle(4, shared=True)
def _namespaces() -> dict[str, str]:
    return dict(data.bundle().reader.tuples("SELECT go_id, namespace FROM go_term"))


def _sites(found: searching.SearchResult) -> pd.DataFrame:
    rows = []
    for hit in found.annotations:
        best = next(iter(data.annotation_features(hit.kind)), None)
        rows.append(
            {
                "name": hit.kind,
                "labels": ", ".join(hit.labels),
                "n_proteins": hit.n_proteins,
                "sae": best.sae if best else None,
                "feature": best.feature if best else None,
                "f1": best.test_f1 if best else None,
                "null_f1": best.null_f1 if best else None,
                "grade": best.grade if best else "none",
                "density": best.density if best else None,
            }
        )
    return pd.DataFrame(rows).astype({"f1": float, "null_f1": float, "density": float})


def drawn(kind: str, rows: pd.DataFrame, *, key: str) -> None:
    """One page of the table; a click on a row opens what it is about."""
    columns = {
        "terms": _term_columns,
        "features": _feature_columns,
        "proteins": _protein_columns,
        "sites": _site_columns,
    }
    shown = columns[kind](rows)
    has_pictures = "Structure" in shown
    st.dataframe(
        pd.DataFrame(shown), hide_index=True, row_height=ROW_PX if has_pictures else None, column_config=_config(),
        height=min(640, 40 + (ROW_PX if has_pictures else 35) * len(rows)), **clickable(key),
    )  # fmt: skip
    clicked = clicked_row(key)
    if clicked is not None:
        frame.go(_target(kind, rows.iloc[clicked].to_dict()))


def _target(kind: str, row: Mapping[Any, Any]) -> links.Link:
    if kind == "proteins":
        return links.protein(row["accession"])
    if kind == "terms":
        return links.find(row["go_id"])
    return links.feature(row["sae"], int(row["feature"])) if row["sae"] else links.find(row["name"])


def _term_columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    return {
        "Name": rows["name"].tolist(),
        "Sub-ontology": [words.NAMESPACES.get(one, one) for one in rows["namespace"]],
        "Proteins": rows["n_shipped"].tolist(),
        "Feature": _feature_links(rows),
        "Autoencoder": _sae_names(rows),
        "Held-out F1": rows["f1"].tolist(),
        "Null": rows["null_f1"].tolist(),
        "Evidence": _evidence(rows),
        confounded.COLUMN: _doubts(rows),
        "n": rows["n_pos_test"].tolist(),
        "Unguided F1": rows["unguided_f1"].tolist(),
        "Density": rows["density"].tolist(),
        "Term": [links.compare(go_id).url for go_id in rows["go_id"]],
        "QuickGO": [f"{outward.QUICKGO}{go_id}" for go_id in rows["go_id"]],
    }


def _feature_columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    refs = [FeatureRef(sae, int(feature)) for sae, feature in zip(rows["sae"], rows["feature"], strict=True)]
    return {
        "Structure": [picture or None for picture in proteins.pictures_of_features(refs)],
        "Feature": _feature_links(rows),
        "Autoencoder": _sae_names(rows),
        "Label": [words.label(*pair) for pair in zip(rows["label"], rows["label_grade"], strict=True)],
        "Held-out F1": rows["f1"].tolist(),
        "Null": rows["null_f1"].tolist(),
        "Evidence": _evidence(rows),
        confounded.COLUMN: _doubts(rows),
        **_seeds(refs, rows["origin"]),
        "Guided": ["guided" if one == "defined" else "free" for one in rows["origin"]],
        "Density": rows["density"].tolist(),
        "QuickGO": [f"{outward.QUICKGO}{one}" if one.startswith("GO:") else None for one in rows["label_id"]],
    }


def _protein_columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    accessions = rows["accession"].tolist()
    return {
        "Structure": [picture or None for picture in proteins.pictures_of_proteins(accessions)],
        "Protein": [name or accession for name, accession in zip(rows["name"], accessions, strict=True)],
        "UniProt": [f"{outward.UNIPROT}{one}" if outward.is_accession(one) else None for one in accessions],
        "Gene": [names.split(" ")[0] for names in rows["gene_names"]],
        "Organism": [words.species(one) for one in rows["organism"]],
        "Residues": rows["length"].tolist(),
        "Match": [_MATCHES[one] for one in rows["match"]],
    }


_MATCHES = {
    "exact": "called so",
    "name": "in its names",
    "accession": "accession begins so",
    "near": "near in spelling",
}


def _site_columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    return {
        "Kind": rows["name"].tolist(),
        "Labels that match": rows["labels"].tolist(),
        "Proteins": rows["n_proteins"].tolist(),
        "Best feature": _feature_links(rows),
        "Autoencoder": _sae_names(rows),
        "F1 over residues": rows["f1"].tolist(),
        "Null": rows["null_f1"].tolist(),
        "Evidence": _evidence(rows),
        confounded.COLUMN: _doubts(rows),
        "Density": rows["density"].tolist(),
    }


_COLUMNS = {
    "terms": _term_columns,
    "features": _feature_columns,
    "proteins": _protein_columns,
    "sites": _site_columns,
}


def _feature_links(rows: pd.DataFrame) -> list[str | None]:
    pairs = zip(rows["sae"], rows["feature"], strict=True)
    return [links.feature(sae, int(feature)).url if isinstance(sae, str) else None for sae, feature in pairs]


def _sae_names(rows: pd.DataFrame) -> list[str]:
    return [data.sae(sae).display_name if isinstance(sae, str) else "" for sae in rows["sae"]]


def _evidence(rows: pd.DataFrame) -> list[str]:
    return [
        "" if not isinstance(sae, str) else "not validated" if grade == "none" else grade
        for sae, grade in zip(rows["sae"], rows["grade"], strict=True)
    ]


def _doubts(rows: pd.DataFrame) -> list[str]:
    told = {sae: doubts.texts(sae) for sae in rows["sae"].unique() if isinstance(sae, str)}
    return [
        told[sae].get(int(feature), "") if isinstance(sae, str) else ""
        for sae, feature in zip(rows["sae"], rows["feature"], strict=True)
    ]


def _seeds(refs: Sequence[FeatureRef], origins: pd.Series) -> dict[str, list[Any]]:
    """In how many trainings each free feature is found; no column where nothing was trained again."""
    found = [seeds.of_feature(ref) for ref in refs]
    return (
        {
            returning.COLUMN: [
                returning.text(row) if row and origin != "defined" else ""
                for row, origin in zip(found, origins, strict=True)
            ]
        }
        if any(found)
        else {}
    )


def _config() -> dict[str, Any]:
    number, link, text = st.column_config.NumberColumn, st.column_config.LinkColumn, st.column_config.TextColumn
    return {
        "Structure": st.column_config.ImageColumn(width=110, help=PICTURE),
        "Name": text(width="medium"),
        "Label": text(width="medium", help=words.HELP["label"]),
        "Protein": text(width="medium"),
        "Proteins": number(help="Shipped proteins that carry it.", format="localized"),
        "Feature": link(display_text=r"feature=(\d+)", width="small"),
        "Best feature": link(display_text=r"feature=(\d+)", width="small"),
        "Held-out F1": number(format="%.2f", help=words.HELP["f1"]),
        "F1 over residues": number(format="%.2f", help="Held-out, over residues of unseen proteins."),
        "Unguided F1": number(format="%.2f", help="Held-out F1 of the best feature that no term guided."),
        "Null": number(format="%.2f", help=words.HELP["null"]),
        "Evidence": text(help=words.HELP["grade"]),
        **doubts.column_config(),
        returning.COLUMN: text(help=returning.COLUMN_HELP),
        "n": number(help=words.HELP["n"]),
        "Density": number(format="percent", help=words.HELP["density"]),
        "Term": link(display_text="compare"),
        "QuickGO": link(display_text=r"term/(GO:\d+)"),
        "UniProt": link(display_text=r"uniprotkb/(.+)"),
    }


def csv(rows: pd.DataFrame) -> str:
    """Every row with all its columns."""
    lines: list[Sequence[object]] = [list(line) for line in rows.itertuples(index=False)]
    return downloads.table_csv(list(rows.columns), lines)
