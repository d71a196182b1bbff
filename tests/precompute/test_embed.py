"""Embedding: shards, their order, and what is kept after a kill."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from precompute.config import RunConfig
from precompute.corpus.proteins import read_corpus
from precompute.stages import embed
from protsae.errors import ConfigError, InputError
from protsae.plm import esm2
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.registry import load_plm
from protsae.plm.sites import Site
from protsae.shards import ShardReader, read_index

SEQUENCES = {"A1": "MKTAYIAKQR" * 60, "B2": "GAVLI" * 80, "C3": "WWHHCC" * 50, "D4": "MKLV" * 30}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "proteins").mkdir()
    (tmp_path / "embed").mkdir()
    table = pd.DataFrame({"accession": list(SEQUENCES), "sequence": list(SEQUENCES.values()), "split": "train"})
    table.assign(is_shipped=True).to_parquet(tmp_path / "proteins" / "proteins.parquet")
    return tmp_path


@pytest.fixture
def config(tiny_inputs: Path, tmp_path: Path) -> RunConfig:
    here = dict.fromkeys(("proteins", "annotations", "ontology", "out"), tmp_path)
    return RunConfig(**here, plm=str(tiny_inputs / "plm"), device="cpu", max_residues_per_shard=1024)


def run(config: RunConfig, work: Path) -> dict[str, int | float | str]:
    return embed.run(config, work, lambda _: None)


def test_every_protein_lies_where_the_index_says(config: RunConfig, work: Path) -> None:
    numbers = run(config, work)

    assert numbers == {"proteins": 4, "residues": 1420, "shards": 2, "layer": 1, "d_model": 16}
    plm = load_plm(config.plm, device="cpu")
    corpus = read_corpus(work)
    assert corpus.n_residues == 1420
    for shard in corpus.shards:
        rows = np.load(work / "embed" / f"shard-{shard.number:05d}.npy")
        assert rows.dtype == np.float16
        assert len(rows) == shard.n_rows
        for protein, first, length in zip(shard.proteins, shard.first_row, shard.length, strict=True):
            alone = plm.embed(SEQUENCES[str(corpus.accession[protein])], layer=1).numpy()
            np.testing.assert_allclose(rows[first : first + length], alone, atol=2e-2)


def test_a_killed_run_goes_on_after_its_last_whole_shard(
    config: RunConfig, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = work / "embed"
    run(config, work)
    content = [(whole / f"shard-0000{n}.npy").read_bytes() for n in range(2)]
    index = read_index(whole)
    for path in whole.iterdir():
        path.unlink()
    harvested: list[int] = []
    harvest = ESM2PLM.harvest_at

    def dies_at_the_second_shard(plm: ESM2PLM, sequences: list[str], *places: Any, **settings: Any) -> object:
        harvested.append(len(sequences))
        if len(harvested) == 2:
            raise KeyboardInterrupt
        return harvest(plm, sequences, *places, **settings)

    monkeypatch.setattr(ESM2PLM, "harvest_at", dies_at_the_second_shard)
    with pytest.raises(KeyboardInterrupt):
        run(config, work)
    kept = (whole / "shard-00000.npy").stat().st_mtime_ns
    run(config, work)
    assert (whole / "shard-00000.npy").stat().st_mtime_ns == kept

    assert [(whole / f"shard-0000{n}.npy").read_bytes() for n in range(2)] == content
    pd.testing.assert_frame_equal(read_index(whole), index)


def test_another_layer_starts_clean(config: RunConfig, work: Path) -> None:
    run(config, work)
    before = (work / "embed" / "shard-00000.npy").read_bytes()
    run(RunConfig(**{**vars(config), "layer": 2}), work)
    assert (work / "embed" / "shard-00000.npy").read_bytes() != before


def test_a_layer_that_the_plm_lacks_is_refused(config: RunConfig, work: Path) -> None:
    with pytest.raises(ConfigError, match=r"layer must be in 1\.\.2"):
        run(RunConfig(**{**vars(config), "layer": 3}), work)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_activations_beyond_fp16_are_refused(config: RunConfig, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harvest = ESM2PLM.harvest_at
    monkeypatch.setattr(ESM2PLM, "harvest_at", lambda *a, **k: ((i, [x * 1e9 for x in s]) for i, s in harvest(*a, **k)))
    with pytest.raises(InputError, match="beyond fp16"):
        run(config, work)
    assert not (work / "embed" / "shard-00000.npy").exists()


def test_any_number_of_workers_writes_the_same_shards(config: RunConfig, work: Path, tmp_path: Path) -> None:
    numbers = run(config, work)
    again = tmp_path / "again"
    shutil.copytree(work / "proteins", again / "proteins")
    (again / "embed").mkdir()

    assert run(replace(config, workers=2), again) == numbers

    one, other = ShardReader(work / "embed"), ShardReader(again / "embed")
    assert one.accessions == other.accessions
    for row in range(len(one)):
        np.testing.assert_allclose(one.protein(row), other.protein(row), atol=2e-3)
    assert sorted(path.name for path in (work / "embed").iterdir()) == sorted(
        path.name for path in (again / "embed").iterdir()
    )


def test_several_places_share_one_pass_of_the_plm(
    config: RunConfig, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All layer x site states in one forward pass a protein, each bit for bit what a run for it alone writes."""
    places: list[tuple[int, Site]] = [(1, "resid_mid"), (1, "attn_out"), (2, "mlp_out"), (2, "resid_post")]
    configs = [replace(config, layer=layer, site=site) for layer, site in places]
    works = [tmp_path / f"{site}{layer}" for layer, site in places]
    for place, one in enumerate(configs):
        (works[place] / "embed").mkdir(parents=True)
        shutil.copytree(work / "proteins", works[place] / "proteins")
        run(one, work)
        shutil.copytree(work / "embed", tmp_path / f"alone{place}")
    embedded: list[int] = []
    embed_tokens = esm2.embed_tokens
    monkeypatch.setattr(esm2, "embed_tokens", lambda *a: embedded.append(a[1].numel() - 2) or embed_tokens(*a))

    numbers = embed.run_together(configs, works, lambda _: None)

    assert sorted(embedded) == sorted(map(len, SEQUENCES.values()))  # every protein once, whatever the places
    assert [each["layer"] for each in numbers] == [1, 1, 2, 2]
    for place, each in enumerate(works):
        for name in ("shard-00000.npy", "shard-00001.npy", "plm.json"):
            assert (each / "embed" / name).read_bytes() == (tmp_path / f"alone{place}" / name).read_bytes()
    (works[2] / "embed" / "shard-00001.parquet").unlink()
    embedded.clear()
    embed.run_together(configs, works, lambda _: None)
    assert len(embedded) == 2  # the two proteins of the one shard that was lacking
