"""Where features lie by their activations, and whether a space keeps labels together: planted, shuffled, by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array
from tiny_families import TREE, TWINS

from precompute.analyses.maps import branches, grouped, judged, known_families
from precompute.features.likeness import standardised
from precompute.features.placing import project
from precompute.features.separation import nearest_in_full, nearest_on_map, separation, shared

ROOT = next(iter(TREE))
N_CLUSTERS, MEMBERS, N_PROTEINS = 12, 14, 240


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Profiles of features in twelve clusters, each of which fires in twenty proteins of its own, and the clusters."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(N_CLUSTERS), MEMBERS)
    own = np.arange(N_PROTEINS) // (N_PROTEINS // N_CLUSTERS) == cluster[:, None]
    acts = np.where(own, rng.random(own.shape) + 0.5, (rng.random(own.shape) < 0.03) * 0.2)
    order = rng.permutation(len(cluster))
    return standardised(csc_array(acts[order].T), np.arange(len(cluster)), seed=0), cluster[order].astype(str)


def test_planted_clusters_are_separated_on_the_map_nearly_as_in_the_full_space(
    planted: tuple[np.ndarray, np.ndarray],
) -> None:
    profiles, cluster = planted
    places = project(profiles, seed=0, exact=True)
    full = separation(nearest_in_full(profiles), cluster, seed=0)
    on_map = separation(nearest_on_map(places), cluster, seed=0)

    assert full.k == full.possible == 10
    assert full.same > 9.9
    assert on_map.same > 0.95 * full.same
    assert on_map.by_chance < on_map.by_chance_high < 1.5
    assert on_map.by_chance == pytest.approx(10 * (MEMBERS - 1) / (len(cluster) - 1), abs=0.15)
    np.testing.assert_array_equal(places, project(profiles, seed=0, exact=True))


def test_shuffled_labels_give_the_null(planted: tuple[np.ndarray, np.ndarray]) -> None:
    profiles, cluster = planted
    found = separation(nearest_in_full(profiles), np.random.default_rng(1).permutation(cluster), seed=0)

    assert found.same == pytest.approx(found.by_chance, abs=0.3)
    assert found.same < 2


def test_separation_by_hand() -> None:
    groups = np.array(["a", "a", "b", "b", "b"])
    line = np.array([[0.0, 0], [1, 0], [2.1, 0], [3.3, 0], [10, 0]])
    near = nearest_on_map(line)[:, :2]

    assert near.tolist() == [[1, 2], [0, 2], [1, 3], [2, 1], [3, 2]]
    found = separation(near, groups, seed=0)
    assert found.same == pytest.approx((1 + 1 + 1 + 1 + 2) / 5)
    assert found.possible == pytest.approx((1 + 1 + 2 + 2 + 2) / 5)


def test_points_that_lie_on_one_another_are_neighbours_of_each_other_not_of_themselves() -> None:
    near = nearest_on_map(np.zeros((20, 2)))

    assert near.shape == (20, 10)
    assert not (near == np.arange(20)[:, None]).any()


@pytest.mark.parametrize(("groups", "counted"), [(["a", "", "a", "b", ""], [0, 2]), (["a", "b"], []), ([], [])])
def test_only_groups_with_two_members_count(groups: list[str], counted: list[int]) -> None:
    assert shared(np.array(groups, dtype=str)).tolist() == counted


def test_nothing_shared_is_nothing_measured() -> None:
    spaces = {("activations", "map"): np.zeros((3, 2)), ("activations", "full"): np.zeros((3, 5))}
    rows = list(judged(spaces, pd.DataFrame({"label": ["a", "", "b"]}), seed=0))

    assert [(row["n_features"], row["n_groups"], row["k"], row["same"]) for row in rows] == [(0, 0, 0, 0.0)] * 2


def test_a_branch_is_the_rarest_child_of_the_root_above_a_term() -> None:
    parents = {"binding": ["root"], "activity": ["root"], "zinc": ["metal"], "metal": ["binding", "activity"]}
    carried = {"root": 99, "binding": 60, "activity": 40, "metal": 9, "zinc": 5}

    assert branches(parents, carried) == {
        "binding": "binding", "activity": "activity", "metal": "activity", "zinc": "activity"
    }  # fmt: skip


def test_families_are_those_of_the_bundle_that_this_run_has_made(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "publish").mkdir()
    done = tmp_path / "publish" / "done.json"
    assert known_families(tiny_bundle, tmp_path) is None, "the run has made none yet, so the bundle is an older one"
    done.write_text(json.dumps({"numbers": {"bundle_id": "another"}}))
    assert known_families(tiny_bundle, tmp_path) is None
    done.write_text(json.dumps({"numbers": {"bundle_id": "tiny"}}))
    families = known_families(tiny_bundle, tmp_path)

    assert families is not None
    assert set(families("vanilla").loc[[ROOT, *TWINS]]) == {"0", "1"}
    assert 0 not in families("vanilla").index

    half_built = tmp_path / "bundle.partial"
    shutil.copytree(tiny_bundle / "analyses" / "families", half_built / "analyses" / "families")
    assert known_families(half_built, tmp_path / "none") is not None, "it has no manifest yet: this run is building it"


def test_guesses_have_no_group_and_an_annotation_is_a_branch_of_its_own() -> None:
    labels = pd.DataFrame(
        [("a", 0, "GO:1", "strong"), ("a", 1, "GO:1", "none"), ("a", 2, "Motif", "weak"), ("a", 3, "", "none")],
        columns=["sae", "feature", "label_id", "label_grade"],
    )

    found = grouped(labels, {"GO:1": "GO:9"})

    assert found.to_numpy().tolist() == [["a", 0, "GO:1", "GO:9"], ["a", 2, "Motif", "Motif"]]
