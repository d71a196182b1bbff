"""What a set of features has more often than luck gives: planted, drawn at random, by hand; and on the page."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from explorer.atlas.enriched import enriched_csv, sentence
from explorer.services.enrichment import LEAST, Carriers, carriers_of, enrichment, over_represented

from .conftest import OpenPage, text_of

N = 400
PLANTED = np.arange(0, 30)


@pytest.fixture(scope="module")
def carriers() -> Carriers:
    """Sixty terms on features at random, and zinc on thirty that lie together; its parent is on the same ones."""
    rng = np.random.default_rng(0)
    rows = [(feature, f"GO:{t:07d}", f"term {t}", "MFO", 50) for t in range(60) for feature in rng.choice(N, 20, False)]
    rows += [(feature, "GO:zinc", "zinc ion binding", "MFO", 10) for feature in PLANTED]
    rows += [(feature, "GO:metal", "metal ion binding", "MFO", 90) for feature in PLANTED]
    rows += [(feature, "GO:ion", "ion binding", "MFO", 200) for feature in (*PLANTED, 300, 301)]
    rows += [(feature, "Motif", "Motif", "annotation", 0) for feature in range(LEAST - 1)]
    return carriers_of(np.arange(N), table(rows))


def table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["feature", "id", "name", "kind", "n_proteins"])


def test_a_planted_term_is_found_and_what_says_the_same_stands_behind_it(carriers: Carriers) -> None:
    found = over_represented(carriers, range(5, 40))

    assert (found.n_set, found.n_universe, found.n_tested) == (35, N, 62)
    (row,) = found.rows
    assert (row.id, row.n_set, row.n_all) == ("GO:zinc", 25, 30)
    assert row.also == ("metal ion binding", "ion binding")
    assert row.q_value < 1e-10


def test_p_is_fishers_and_the_odds_ratio_is_that_of_counts_raised_by_a_half(carriers: Carriers) -> None:
    (row,) = over_represented(carriers, range(5, 40)).rows
    counts = np.array([[25, 5], [10, N - 40]])

    assert row.p_value == pytest.approx(fisher_exact(counts, alternative="greater").pvalue, rel=1e-9)
    assert row.odds_ratio == pytest.approx((25.5 * (N - 39.5)) / (5.5 * 10.5))
    assert row.q_value == pytest.approx(row.p_value * 62)


def test_sets_drawn_at_random_have_nothing(carriers: Carriers) -> None:
    rng = np.random.default_rng(7)
    found = [over_represented(carriers, rng.choice(N, 40, replace=False).tolist()) for _ in range(40)]

    assert sum(bool(one.rows) for one in found) <= 4, "one in twenty at q = .05"
    assert all(one.least_q > 0.001 for one in found)


def test_nothing_chosen_and_nothing_carried_are_no_errors(carriers: Carriers) -> None:
    assert over_represented(carriers, []).rows == []
    assert over_represented(carriers, [99_999]).n_set == 0
    empty = carriers_of(np.arange(5), table([(0, "Motif", "Motif", "annotation", 0)]))
    assert over_represented(empty, [0, 1]) == (2, 5, 0, 1.0, [])


def test_all_features_are_no_set_apart(carriers: Carriers) -> None:
    assert over_represented(carriers, range(N)).rows == []


def test_what_came_of_it_is_said_and_written(carriers: Carriers) -> None:
    found = over_represented(carriers, range(5, 40))
    (line,) = csv.DictReader(io.StringIO(enriched_csv(found)))

    assert sentence(found).startswith("Over-represented among these 35 features against all 400")
    assert "Nothing is over-represented among these 0 features" in sentence(over_represented(carriers, []))
    assert (line["id"], line["n_with_term_in_set"], line["n_set"], line["n_tested"]) == ("GO:zinc", "25", "35", "62")
    assert line["also"] == "metal ion binding; ion binding"


def test_a_lasso_tells_what_its_features_have_in_common_or_that_nothing_is(open_page: OpenPage) -> None:
    app = open_page("map", sae="protsae_mfo", marked="1.2.3.4")
    found = enrichment("protsae_mfo", (1, 2, 3, 4))

    assert not app.exception
    assert found.n_tested > 0
    assert sentence(found) in text_of(app)


def test_terms_above_count_and_roots_do_not(open_page: OpenPage) -> None:
    from explorer.services import data

    open_page("map")
    reader = data.bundle().reader
    carried = reader.confirmed("protsae_mfo")
    pairs = set(zip(carried["feature"], carried["id"], strict=True))
    confirmed = [(row.feature, row.go_id) for row in data.validated() if row.sae == "protsae_mfo"]

    assert confirmed
    assert len(pairs) == len(carried)
    for feature, go_id in confirmed:
        above = {term.go_id for term in reader.ancestors(go_id) if reader.parents(term.go_id)}
        assert {(feature, term) for term in {go_id, *above}} <= pairs
    roots = [go_id for go_id in carried.loc[carried["kind"] != "annotation", "id"] if not reader.parents(go_id)]
    assert roots == []
