"""The Feature page residue by residue: logo, aligned letters, superposed structures, ablation."""

import csv
import io
import re
from inspect import unwrap
from pathlib import Path

import gemmi
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.components.overlay import Layer
from explorer.draw import aligned, logo, superposed, words
from explorer.draw.superposed import Model
from explorer.feature import loss, motif, space
from explorer.services import ablation, data, live, residues
from explorer.services.ablation import Ablated
from explorer.services.refs import FeatureRef
from protsae import palette
from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.store.analyses.motifs import MOTIFS, REACH, MotifRow
from protsae.store.rows import StructureRow
from protsae.structure.superpose import Fit, superpose

from .conftest import OpenPage, components_of, html_of, text_of, views_of

FIRES = FeatureRef("vanilla", 25)


@pytest.fixture(autouse=True)
def opened(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))


# logo


def test_a_logo_is_as_high_as_its_letters_say() -> None:
    counts = np.zeros((21, 20), dtype=int)
    counts[:] = 10
    counts[10], counts[7] = 200 * np.eye(20, dtype=int)[11], 200 * np.eye(20, dtype=int)[17]
    bits = logo.letter_bits(counts, np.full(20, 0.05))

    assert bits[10, 11] == pytest.approx(np.log2(20), abs=0.1)
    assert bits[[0, 1, 12]].sum() == pytest.approx(0, abs=0.05)
    assert re.fullmatch(r"W at -3 \(4\.\d bits\), K at 0 \(4\.\d bits\)", logo.spoken(bits))
    svg = logo.logo_svg(bits, "dark")
    assert re.findall(r">([A-Z])</text>", svg) == ["W", "K"]
    assert palette.CHEMISTRY["positive"][1]["dark"] in svg
    assert ">peak</text>" in svg
    assert ">+10</text>" in svg


def test_letters_that_say_nothing_are_not_drawn() -> None:
    bits = np.zeros((21, 20))

    assert logo.spoken(bits) == ""
    assert re.findall(r">([A-Z])</text>", logo.logo_svg(bits, "light")) == []


def test_every_amino_acid_has_one_chemistry() -> None:
    assert sorted("".join(letters for letters, _ in palette.CHEMISTRY.values())) == sorted(AMINO_ACIDS)


def motif_row(**changed: float) -> MotifRow:
    counts = np.full((2 * REACH + 1, 20), 2)
    numbers = {"peak_bits": 3.0, "null_peak_bits": -0.01, "flank_bits": 5.0, "null_flank_bits": 0.4}
    numbers |= {"null_flank_most": 0.9} | changed
    return MotifRow(n_sequences=40, counts=counts, background=np.full(20, 0.05), **numbers)


def test_a_motif_is_one_only_above_all_draws() -> None:
    assert "alike by more than luck" in motif.reading(motif_row())
    assert "so no motif" in motif.reading(motif_row(flank_bits=0.9))
    rows = list(csv.reader(io.StringIO(motif.counts_csv(motif_row()))))
    assert [row[0] for row in rows[1:]] == [str(offset) for offset in range(-10, 11)]
    assert rows[11][1] == "40"


def test_the_page_shows_the_stored_motif_beside_its_null(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="25")
    (image,) = app.get("image")
    text = text_of(app)

    said = image.proto.imgs[0].alt
    assert said.startswith("Sequence logo, 0 is the peak: ")
    assert "W at -3 (3.8 bits)" in said
    assert "Q at 0 (3.8 bits)" in said
    assert "5.5 bits, null 0.4 (0.9)" in text
    assert "4.0 bits, null 0.1" in text or "4.0 bits, null 0.0" in text


def test_too_few_families_make_no_logo(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="24")

    assert "It fires in 3 proteins of different families only, too few for a logo." in text_of(app)
    assert not app.get("image")


def test_a_bundle_without_motifs_says_so(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page("feature")
    absent = data.absence
    monkeypatch.setattr(residues, "motif", lambda _: None)
    monkeypatch.setattr(data, "absence", lambda one: "Not there." if one is MOTIFS else absent(one))

    assert "Not there." in text_of(open_page("feature", sae="vanilla", feature="25"))


# aligned letters


def row(sequence: str, values: list[float], anchor: int, peak: int) -> aligned.Row:
    return aligned.Row("<A>", "./feature?protein=A", "note", sequence, np.array(values), anchor, peak)


def test_anchors_stand_under_each_other() -> None:
    rows = [row("MKVAC", [0, 0, 0, 4.0, 4.0], 4, 4), row("WK", [2.0, 0], 1, 1)]
    html = aligned.html(rows, 4.0, "two", mark="t")

    assert re.findall(r"padding-left:(\d+)ch", html) == ["0", "3"]
    assert 'data-centre="t" style="left:3ch"' in html
    assert "width:5ch" in html
    assert '>MKV<i class="v20 peak">A</i><i class="v20">C</i></span>' in html
    assert '<i class="v10 peak">W</i>K</span>' in html
    assert "&lt;A&gt;" in html


def test_the_ruler_counts_offsets_or_residues() -> None:
    long = row("A" * 40, [0.0] * 40, 25, 0)
    by_offset = aligned.html([long], 1.0, "x")
    by_residue = aligned.html([long._replace(anchor=1)], 1.0, "x", from_one=True)

    assert re.findall(r"left:(\d+)ch\">([-+\d]+)<", by_offset) == [
        ("4", "-20"),
        ("14", "-10"),
        ("24", "0"),
        ("34", "+10"),
    ]
    assert re.findall(r"left:(\d+)ch\">([-+\d]+)<", by_residue)[:2] == [("0", "1"), ("9", "10")]
    assert "data-centre" not in by_residue


def test_a_long_protein_is_few_elements() -> None:
    values = np.zeros(3_000)
    values[1_000:1_010] = 1.0
    html = aligned.html([aligned.Row("A", "", "", "A" * 3_000, values, 1_005, 1_005)], 1.0, "x")

    assert html.count("<i") == 4


def test_the_start_is_the_first_of_the_unbroken_run() -> None:
    values = np.array([1.0, 0, 2, 3, 1, 0])

    assert aligned.start_of_run(values, 4) == 3
    assert aligned.start_of_run(values, 1) == 1
    assert aligned.start_of_run(np.zeros(3), 0) == 1


# superposed structures


def space_page(open_page: OpenPage, **params: str) -> AppTest:
    return open_page("feature", space="1", **params)


def with_structures() -> FeatureRef:
    """A feature whose structures can be laid over each other."""
    for feature in range(64):
        ref = FeatureRef("vanilla", feature)
        if unwrap(residues.superposed)(ref) is not None:
            return ref
    raise AssertionError("the made-up bundle has no such feature")


def test_structures_lie_where_the_fit_puts_them() -> None:
    found = unwrap(residues.superposed)(with_structures())
    assert found is not None
    first, *others = found.placed

    assert first.fit is None
    assert others
    proteins = [data.protein(one.example.accession) for one in found.placed]
    assert len({protein.cluster for protein in proteins if protein is not None}) == len(found.placed)
    for one in others:
        again = superpose(one.chain, first.chain)
        assert one.fit is not None
        assert again is not None
        assert one.fit.rmsd == again.rmsd
        ours = one.fit.moved(one.chain.places[space._places(one, one.fit.distances)])
        theirs = first.chain.places[space._places(first, one.fit.distances)]
        assert np.sqrt(((ours - theirs) ** 2).sum(axis=1).mean()) == pytest.approx(one.fit.rmsd, abs=1e-4)


def test_the_drawn_chains_share_one_frame() -> None:
    found = unwrap(residues.superposed)(with_structures())
    assert found is not None
    layers = space.layers(found, 1.0)
    first, moved = (carbons(layer) for layer in layers[:2])
    fit = found.placed[1].fit
    assert fit is not None
    ours, theirs = (
        places[space._places(one, fit.distances)]
        for places, one in ((moved, found.placed[1]), (first, found.placed[0]))
    )

    assert np.sqrt(((ours - theirs) ** 2).sum(axis=1).mean()) == pytest.approx(fit.rmsd, abs=0.01)
    assert len({layer.tone for layer in layers}) == len(layers)
    assert all(layer.peak == space._places(one, (0,))[0] for layer, one in zip(layers, found.placed, strict=True))
    assert "HETATM" not in layers[0].text


def carbons(layer: Layer) -> np.ndarray:
    return np.array(
        [
            [float(line[i : i + 8]) for i in (30, 38, 46)]
            for line in layer.text.splitlines()
            if line.startswith("ATOM") and line[12:16] == " CA "
        ]
    )


def test_a_file_holds_a_model_each_numbered_as_the_sequence() -> None:
    line = "ATOM  {0:5d}  CA  ALA A{0:4d}    {1:8.3f}{2:8.3f}{3:8.3f}  1.00  0.00           C"
    pdb = "\n".join(line.format(i, 3.8 * i, 0.0, 0.0) for i in range(1, 5)) + "\nEND\n"
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    share = np.array([0.0, 1.0, 0.5, 0.0])
    chains = [
        Model(pdb, np.array([11, 12, 0, 14]), share, np.eye(3), np.zeros(3), "first, stays"),
        Model(pdb, np.array([21, 22, 23, 24]), share, turn, np.array([0.0, 0, 5]), "second, RMSD 0.00 A"),
    ]
    text = superposed.models(chains, ["Title"])
    read = gemmi.read_pdb_string(text)

    assert text.startswith("REMARK   1 Title\n")
    assert "REMARK   1 MODEL 2: second, RMSD 0.00 A" in text
    assert [[residue.seqid.num for residue in model[0]] for model in read] == [[11, 12, 14], [21, 22, 23, 24]]
    assert read[0][0][1][0].b_iso == 100
    assert read[1][0][1][0].pos.tolist() == pytest.approx([0, 7.6, 5])


def fit(n_as_small: int, n_random: int = 300) -> Fit:
    median = 3.0 if n_random else None
    return Fit((-2, -1, 0, 1, 2), np.eye(3), np.zeros(3), 1.0, median, n_as_small, n_random)


def test_the_reading_counts_what_fits_beyond_luck() -> None:
    found = unwrap(residues.superposed)(with_structures())
    assert found is not None
    first = found.placed[0]
    both = [first, first._replace(fit=fit(3)), first._replace(fit=fit(40))]

    said = space.reading(found._replace(placed=both, on_active=True))
    assert "on the residues where it fires in both. 1 of 2 fit better than 95% of random places" in said
    said = space.reading(found._replace(placed=[*both[:1], first._replace(fit=fit(0, 0))], on_active=False))
    assert "5 residues either side of the peak" in said
    assert "no room for random places" in said


def test_the_page_superposes_when_asked(open_page: OpenPage) -> None:
    ref = with_structures()
    asleep = open_page("feature", sae=ref.sae, feature=str(ref.feature))
    app = space_page(open_page, sae=ref.sae, feature=str(ref.feature))
    found = residues.superposed(ref)
    assert found is not None

    assert not app.exception
    assert not [one for one in components_of(asleep) if "chains" in one]
    (drawn,) = [one for one in components_of(app) if "chains" in one]
    assert [chain["name"] for chain in drawn["chains"]] == [one.structure.pdb_id for one in found.placed]
    (table,) = [block for block in html_of(app, "ps-rows") if "RMSD" in block]
    assert [f"{one.fit.rmsd:.2f} Å" in table for one in found.placed if one.fit is not None]
    for one in found.placed:
        assert one.example.accession in table


def test_nothing_to_superpose_is_said(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residues, "superposed", lambda _: None)

    assert "nothing to superpose" in text_of(space_page(open_page))


# ablation


def strongest() -> tuple[FeatureRef, str]:
    example = data.examples(FIRES, "top")[0]
    return FIRES, example.sequence


def test_taking_a_feature_away_is_what_the_library_says() -> None:
    ref, sequence = strongest()
    found = ablation.ablated(ref, sequence)
    acts = live.encode(sequence, ref.sae).acts.toarray()

    assert found.bits.shape == found.control.shape == (len(sequence),)
    assert found.bits.max() > 0
    assert np.allclose(found.fires, acts[:, ref.feature], atol=1e-4)
    assert ref.feature not in found.others
    assert all(acts[:, other].max() > 0 for other in found.others)
    assert ablation.ablated(ref, sequence).others == found.others


def test_a_silent_feature_changes_nothing_exactly() -> None:
    _, sequence = strongest()
    found = ablation.ablated(FeatureRef("vanilla", 15), sequence)

    assert not found.bits.any()
    assert not found.direction_bits.any()


def ablated(**changed: object) -> Ablated:
    others = np.array([[0.0, 0.1, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    found = Ablated(np.array([0.0, 0.3, 0.1]), (4, 5, 6), others, np.array([0.0, 0.2, 0.0]), np.array([0, 2.0, 0]))
    return found._replace(**changed)  # pyright: ignore[reportArgumentType]


def test_the_reading_ranks_the_feature_among_others() -> None:
    feature = data.feature(FIRES)
    assert feature is not None
    example = data.examples(FIRES, "top")[0]
    said = loss.reading(feature, example, ablated())

    assert f"move by 0.4 bits over the chain, most at {example.sequence[1]}2 (0.3 bits)" in said
    assert "it is 0.1 bits (median); 2 of 3 matter less" in said
    assert said.endswith("moves them by 0.2 bits.")
    nothing = ablated(bits=np.zeros(3))
    assert "nothing above reads what it writes" in loss.reading(feature, example, nothing)
    assert "it is silent here" in loss.reading(feature, example, nothing._replace(fires=np.zeros(3)))
    alone = ablated(others=(), other_bits=np.zeros((0, 3)))
    assert "matter less" not in loss.reading(feature, example, alone)
    assert not alone.control.any()


def test_the_page_takes_it_away_when_asked(open_page: OpenPage) -> None:
    app = open_page("feature", sae=FIRES.sae, feature=str(FIRES.feature), ablate="1")
    view = views_of(app)[0]
    found = ablation.ablated(FIRES, view["sequence"])

    assert not app.exception
    assert [one["label"] for one in view["rows"]] == ["#25", "KL #25", "KL others"]
    assert view["rows"][1]["values"] == pytest.approx(found.bits.tolist(), rel=1e-3)
    assert view["rows"][1]["scale"] == view["rows"][2]["scale"] == pytest.approx(loss.full_scale(found))
    assert "KL divergence in bits" in view["rows"][1]["note"]
    assert f"{words.amount(float(found.bits.sum()))} bits over the chain" in text_of(app)
    assert len(views_of(open_page("feature", sae=FIRES.sae, feature=str(FIRES.feature)))[0]["rows"]) == 1


def test_a_protein_that_the_model_cannot_take_is_one_sentence(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(ref: FeatureRef, sequence: str) -> Ablated:
        raise InputError(f"{ref.feature}: {len(sequence)} residues are too many.")

    monkeypatch.setattr(ablation, "ablated", refuse)
    app = open_page("feature", sae=FIRES.sae, feature=str(FIRES.feature), ablate="1")

    assert "residues are too many." in text_of(app)
    assert len(views_of(app)) == 1


def test_a_structure_outside_of_the_sequence_is_left_out() -> None:
    ref = with_structures()
    found = unwrap(residues.superposed)(ref)
    assert found is not None
    one = found.placed[0]
    elsewhere: StructureRow = one.structure._replace(positions=np.zeros_like(one.structure.positions))
    chain = residues.chain_of(one.example, elsewhere, on_active=True)

    assert not chain.counts.any()
