"""Clusters and the split that follows them."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from precompute.inputs.homology import cluster_with_mmseqs, read_clusters, split_of
from protsae.errors import InputError

MYOGLOBIN = (
    "MVLSEGEWQLVLHVWAKVEADVAGHGQDILIRLFKSHPETLEKFDRFKHLKTEAEMKASEDLKKHGVTVLTALGAILKKKGHHEAELKPLAQSHATKHKIPIKYLEFISE"
    "AIIHVLHSRHPGDFGADAQGAMNKALELFRKDIAAKYKELGYQG"
)
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


def test_the_split_depends_on_the_cluster_alone_and_has_the_asked_shares() -> None:
    splits = Counter(split_of(f"cluster{i}") for i in range(20_000))

    assert split_of("Q04847") == split_of("Q04847")
    assert splits["test"] / 20_000 == pytest.approx(0.15, abs=0.01)
    assert splits["valid"] / 20_000 == pytest.approx(0.15, abs=0.01)
    assert any(split_of(f"cluster{i}") != split_of(f"cluster{i}", seed=1) for i in range(50))


def test_a_broken_cluster_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "clusters.tsv"
    path.write_text("P1\tP1\nP2\n")
    with pytest.raises(InputError, match=r"clusters.tsv line 2 has 1 columns, not 2"):
        read_clusters(path)
    with pytest.raises(InputError, match="does not exist"):
        read_clusters(tmp_path / "absent.tsv")


def test_without_mmseqs_the_refusal_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="give --clusters FILE or install `mmseqs`"):
        cluster_with_mmseqs({"P1": "MKT"})


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="MMseqs2 is not installed")
def test_mmseqs_joins_relatives_and_parts_strangers() -> None:
    close = MYOGLOBIN.replace("K", "R", 5)
    clusters = cluster_with_mmseqs({"a": MYOGLOBIN, "b": close, "c": UBIQUITIN})

    assert clusters["a"] == clusters["b"]
    assert clusters["c"] != clusters["a"]
