"""What other seeds say: the badge of a feature, the column in lists, the answers and curves of Results."""

import shutil
from pathlib import Path

import pytest

from explorer.services import data, seeds
from explorer.services.refs import FeatureRef

from .conftest import OpenPage, figures_of, opener, text_of


@pytest.mark.parametrize(("feature", "n", "kind"), [(0, 1, "warn"), (2, 4, ""), (3, 5, "good")])
def test_a_feature_says_in_how_many_seeds_it_is_found(open_page: OpenPage, feature: int, n: int, kind: str) -> None:
    app = open_page("feature", sae="vanilla", feature=str(feature))
    html = " ".join(element.proto.body for element in app.get("html"))

    assert f"found in {n} of 5 seeds" in html
    assert f'ps-badge {kind}"'.replace(' "', '"') in html
    assert "cosine 0.80 on average; random directions of the same spread, 0.25" in html
    found = seeds.of_feature(FeatureRef("vanilla", feature))
    assert found is not None
    assert found.n_found == n


def test_a_guided_feature_tells_its_terms_auroc_over_seeds(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="0")

    html = " ".join(element.proto.body for element in app.get("html"))
    assert "AUROC 0.78 to 0.84 over the 5 trainings, with shuffled labels 0.50" in html


def test_a_list_of_features_has_a_column(open_page: OpenPage) -> None:
    label = next(row.label for row in data.map_points("vanilla").itertuples() if row.label)
    app = open_page("find", q=label, list="features")

    tables = [frame.value for frame in app.dataframe if "Seeds" in frame.value]
    assert tables
    assert set(tables[0]["Seeds"]) <= {f"{n} of 5" for n in range(1, 6)}


def test_results_answer_both_questions_with_their_nulls(open_page: OpenPage) -> None:
    app = open_page("results")
    text = text_of(app)

    assert "60 % of the features of" in text
    assert "in random directions of the same spread: 2.0 %" in text
    assert "features guided by the same term have cosine 0.90, by another term 0.10" in text
    assert (
        "the AUROC of 2 of 3 terms steps up, half of them by step 40 of 400 (of curves of shuffled labels 4.0 %" in text
    )
    curves = [figure for figure in figures_of(app) if "steps trained" in str(figure["layout"])]
    assert len(curves) == 1
    lines = [trace for trace in curves[0]["data"] if trace.get("mode") == "lines+markers"]
    assert list(lines[0]["y"]) == pytest.approx([0.5, 0.51, 0.7, 0.8])


def test_a_bundle_without_other_seeds_says_so_and_shows_no_badge(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    for name in ("seeds", "onsets"):
        shutil.rmtree(bundle / "analyses" / name)
    open_at = opener(bundle, monkeypatch)

    text = text_of(open_at("results"))
    assert "which features come back from other seeds" in text
    assert "when, during training, features begin to rank proteins" in text
    feature = open_at("feature", sae="vanilla", feature="3")
    assert "seeds" not in " ".join(element.proto.body for element in feature.get("html"))
