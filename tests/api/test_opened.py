"""A bundle from Python: queries without torch, activations as the explorer's, and sentences for what is not there."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import protsae
from protsae.api.opened import OpenBundle
from protsae.bundle.layout import sae_folder
from protsae.errors import BundleError, InputError
from protsae.plm.registry import open_plm
from protsae.sae import load_sae

ROOT = Path(__file__).parents[2]
GUIDED = "protsae_mfo"


@pytest.fixture
def bundle(tiny_bundle: Path) -> Iterator[OpenBundle]:
    with protsae.open_bundle(tiny_bundle, device="cpu") as opened:
        yield opened


def a_protein(bundle: OpenBundle) -> str:
    return str(bundle.reader.sequence_index()["sequence"][0])


def test_queries_load_no_torch(tiny_bundle: Path) -> None:
    script = (
        "import sys, protsae\n"
        f"with protsae.open_bundle({str(tiny_bundle)!r}) as bundle:\n"
        "    row = bundle.features(bundle.reader.guiding_features('protsae_mfo')[0].go_id)[0]\n"
        "    assert bundle.alignments(row.sae, row.feature).terms\n"
        "    bundle.examples(row.sae, row.feature), bundle.search('binding'), bundle.saes()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_protsae_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_bundles'"):
        _ = protsae.open_bundles  # pyright: ignore[reportAttributeAccessIssue]


def test_features_of_a_term_by_id_and_by_name(bundle: OpenBundle) -> None:
    guiding = bundle.reader.guiding_features(GUIDED)[0]

    found = bundle.features(guiding.go_id)
    assert found == bundle.reader.term_features(guiding.go_id)
    assert (found[0].sae, found[0].feature, found[0].is_guiding) == (GUIDED, guiding.feature, True)
    assert bundle.features(guiding.term_name.upper()) == found
    assert {row.sae for row in bundle.features(guiding.go_id, "vanilla")} == {"vanilla"}


def test_activations_are_those_of_the_saved_models(bundle: OpenBundle) -> None:
    sequence = a_protein(bundle)
    plm, spec = open_plm(bundle.folder, device="cpu")
    x = plm.embed(sequence, layer=spec.layer, site=spec.site)
    with torch.inference_mode():
        expected = load_sae(sae_folder(bundle.folder, GUIDED))(x)

    found = bundle.activations(f">a protein\n{sequence.lower()}", GUIDED)
    assert found.sequence == sequence
    assert np.array_equal(found.acts.toarray(), expected.acts.numpy())
    assert expected.extra is not None
    assert np.allclose(found.pi, expected.extra.logits.sigmoid().numpy(), atol=1e-7)
    assert np.array_equal(found.of(3), expected.acts[:, 3].numpy())
    assert bundle.activations(sequence).sae == bundle.saes()[0].name


def test_stored_examples_are_what_a_live_sequence_gives(bundle: OpenBundle) -> None:
    row = next(row for row in bundle.reader.guiding_features(GUIDED) if bundle.examples(GUIDED, row.feature))
    example = bundle.examples(GUIDED, row.feature, limit=1)[0]
    unit = bundle.feature(GUIDED, row.feature).max_act / 255

    live = bundle.activations(example.sequence, GUIDED).of(row.feature)
    assert np.allclose(live[example.positions - 1], example.acts, atol=unit)


def test_what_fires_is_ranked_by_how_unusual_it_is(bundle: OpenBundle) -> None:
    found = bundle.activations(a_protein(bundle), "vanilla")

    ranked = bundle.firing(found)
    assert sorted(one.feature for one in ranked) == np.flatnonzero(found.acts.toarray().max(axis=0)).tolist()
    assert [one.surprise for one in ranked] == sorted((one.surprise for one in ranked), reverse=True)
    best = ranked[0]
    assert found.of(best.feature)[best.position - 1] == pytest.approx(best.peak)
    assert bundle.firing(found, 2) == ranked[:2]


def test_calls_are_validated_features_beyond_their_frozen_threshold(bundle: OpenBundle) -> None:
    found = bundle.activations(a_protein(bundle), GUIDED)
    rows = {row.feature: row for row in bundle.reader.guiding_features(GUIDED)}
    pooled = {f: {"max": found.of(f).max(), "mean": found.of(f).mean()}[row.pooling] for f, row in rows.items()}

    called = {call.term.feature for call in bundle.calls(found)}
    assert called == {f for f, row in rows.items() if row.grade != "none" and pooled[f] > row.threshold}


def test_steering_at_zero_changes_nothing_and_reads_the_feature(bundle: OpenBundle) -> None:
    sequence = a_protein(bundle)
    fires = bundle.firing(bundle.activations(sequence, "vanilla"), 1)[0].feature

    still = bundle.steer(sequence, fires, "vanilla", strength=0)
    assert still.steered == sequence
    assert [reading.feature for reading in bundle.steer(sequence, [fires], "vanilla", strength=4).after] == [fires]


def test_what_is_not_there_is_one_sentence(bundle: OpenBundle, tmp_path: Path) -> None:
    for ask, said in (
        (lambda: bundle.features("GO:9999999"), "no GO term 'GO:9999999'"),
        (lambda: bundle.features(bundle.reader.guiding_features(GUIDED)[0].go_id, "none"), "no SAE 'none'.*vanilla"),
        (lambda: bundle.feature("vanilla", 64), "no feature 64: vanilla has features 0 to 63"),
        (lambda: bundle.examples("vanilla", -1), "no feature -1"),
        (lambda: bundle.protein("NOPE"), "'NOPE' is not in this bundle"),
        (lambda: bundle.activations("MKT1*Z!"), "."),
        (lambda: bundle.activations(a_protein(bundle)).of(64), "no feature 64"),
    ):
        with pytest.raises(InputError, match=said):
            ask()
    with pytest.raises(BundleError, match="no bundle at"):
        protsae.open_bundle(tmp_path / "nowhere")
