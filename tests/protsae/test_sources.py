"""Public sources as a server on this machine speaks them: what is read, what is refused, what is kept."""

import email.utils
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources_server import HBA, MADE, Public, environment, helix_cif, inactive, model, serving

from protsae.accessions import parse_accession
from protsae.errors import ConfigError, ProtSAEError
from protsae.sources import client as client_module
from protsae.sources.addresses import SOURCES, UNIPROT
from protsae.sources.answers import NotFoundError, SourceError
from protsae.sources.cache import Cache, default_cache
from protsae.sources.client import Client, Limits, Pace
from protsae.sources.structures import alphafold_model, fold, rcsb_entry
from protsae.sources.uniprot import EntryFeature, uniprot_entry
from protsae.structure.read import read_uploaded_structure

LIMITS = Limits(connect_s=5.0, read_s=5.0, whole_s=10.0)


class Waiting:
    """A clock that only waiting moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Public]:
    held = Public()
    with serving(held) as base:
        for name, value in environment(base).items():
            monkeypatch.setenv(name, value)
        yield held


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def client(waiting: Waiting) -> Client:
    return Client(limits=LIMITS, pace=Pace(lambda: waiting.now, waiting.sleep))


def refused(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(ProtSAEError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# UniProtKB


def test_an_entry_is_read_whole(public: Public, client: Client) -> None:
    found = uniprot_entry(" p69905 ", client)

    assert found[:8] == (
        "P69905",
        "HBA_HUMAN",
        True,
        "Hemoglobin subunit alpha",
        ("HBA1", "HBA2"),
        "Homo sapiens",
        9606,
        HBA,
    )
    assert EntryFeature("Binding site", "heme b", 88, 88) in found.features
    assert len(found.features) == 4
    assert [(a.go_id, a.name, a.aspect, a.evidence, a.assigned_by) for a in found.go] == [
        ("GO:0020037", "heme binding", "MFO", "IBA", "GO_Central"),
        ("GO:0005833", "hemoglobin complex", "CCO", "IDA", "UniProtKB"),
        ("GO:0015671", "oxygen transport", "BPO", "IEA", "InterPro"),
    ]
    assert [(one.pdb_id, one.resolution, one.n_residues) for one in found.pdb] == [
        ("1BAB", 1.5, 141),
        ("2H35", None, 141),
        ("6XDT", 1.4, 51),
    ]
    assert found.notes == ()
    assert found.provenance.sentence().startswith("UniProtKB 2026_04 (CC BY 4.0), http://127.0.0.1")
    assert found.fasta().startswith(
        ">sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens OX=9606 GN=HBA1\nMVLS"
    )
    assert "".join(found.fasta().splitlines()[1:]) == HBA


def test_features_without_a_place_are_counted_and_a_bond_marks_its_ends(public: Public, client: Client) -> None:
    found = uniprot_entry("Q00001", client)

    assert found.features == (EntryFeature("Signal peptide", "", 1, 8), EntryFeature("Disulfide bond", "", 5, 30))
    assert [feature.places for feature in found.features] == [((1, 8),), ((5, 5), (30, 30))]
    assert found.n_unplaced == 2
    assert found.gene_names == ("mad1", "mad", "b1")


@pytest.mark.parametrize("by_redirect", [True, False])
def test_a_merged_entry_leads_to_its_successor_and_says_so(public: Public, client: Client, by_redirect: bool) -> None:
    public.merged_by_redirect = by_redirect

    found = uniprot_entry("Q00002", client)

    assert found.accession == "Q00001"
    assert found.notes == ("Q00002 was merged into Q00001, whose entry this is.",)


def test_split_and_deleted_entries_are_refused_with_what_is_known(public: Public, client: Client) -> None:
    with pytest.raises(NotFoundError, match="has split Q00003 into Q00001, P69905: ask for one of them") as caught:
        uniprot_entry("Q00003", client)
    assert caught.value.successors == ("Q00001", "P69905")
    assert (
        "has deleted Q00004 (Deleted from sequence source (EMBL)): paste its sequence, which UniParc keeps"
        in refused(uniprot_entry, "Q00004", client)
    )
    assert "UniProtKB has no entry Q99999" in refused(uniprot_entry, "Q99999", client)


def test_merges_in_a_circle_end(public: Public, client: Client) -> None:
    public.merged_by_redirect = False
    public.entries["Q00001"] = inactive("Q00001", "MERGED", "Q00002")

    assert "through more than 5 entries" in refused(uniprot_entry, "Q00002", client)


def test_an_isoform_has_its_own_sequence_and_no_features(public: Public, client: Client) -> None:
    canonical, short = uniprot_entry("Q00001-1", client), uniprot_entry("Q00001-2", client)

    assert (canonical.accession, canonical.sequence, len(canonical.features)) == ("Q00001-1", MADE, 2)
    assert (short.accession, short.sequence, short.features, short.n_unplaced) == ("Q00001-2", MADE[10:], (), 4)
    assert "This is isoform Short; UniProtKB numbers its features along the canonical" in short.notes[0]
    with pytest.raises(NotFoundError, match="has no isoform Q00001-9: it has Q00001-1, Q00001-2"):
        uniprot_entry("Q00001-9", client)
    assert "it has one sequence only" in refused(uniprot_entry, "P69905-2", client)


def test_another_version_of_the_sequence_is_said(public: Public, client: Client) -> None:
    assert uniprot_entry("P69905.2", client).notes == ()
    assert uniprot_entry("P69905.1", client).notes == ("You asked for version 1 of the sequence; UniProtKB now has 2.",)


@pytest.mark.parametrize(
    "text", ["", "insulin", "P6990", "P69905; DROP", "../P69905", "1ABC", "P69905/../x", "sp|P69905"]
)
def test_what_is_no_accession_is_not_parse_accession(public: Public, client: Client, text: str) -> None:
    assert parse_accession(text) is None
    for ask in (uniprot_entry, alphafold_model):
        assert "is no UniProt accession" in refused(ask, text, client)
    assert public.asked == []


@pytest.mark.parametrize(
    "content", [b"<html>Maintenance</html>", b"[]", b"{}", b'{"primaryAccession": "P69905", "sequence": {}}', b"\xff"]
)
def test_an_answer_that_is_not_understood_is_one_sentence(public: Public, client: Client, content: bytes) -> None:
    public.replies.append((200, {}, content))

    assert "P69905" in refused(uniprot_entry, "P69905", client)


# Structures


def test_the_model_of_this_very_protein_is_taken_from_where_the_answer_says(public: Public, client: Client) -> None:
    found = alphafold_model("P69905", client)

    assert (found.id, found.mean_plddt, found.start, found.end, found.sequence) == ("AF-P69905-F1", 91.5, 1, 142, HBA)
    assert found.provenance.release == "v6"
    assert found.notes == ("Modelled on 2025-08-01.",)
    assert public.asked[-1] == "GET /alphafold/files/AF-P69905-F1-model_v6.cif"
    placed = read_uploaded_structure(found.content, found.filename, HBA)
    assert (placed.identity, placed.coverage) == (1.0, 1.0)


def test_field_names_of_before_2026_are_read(public: Public, client: Client) -> None:
    old = model("P69905", HBA)
    for new, former in {
        "modelEntityId": "entryId",
        "sequence": "uniprotSequence",
        "sequenceStart": "uniprotStart",
        "sequenceEnd": "uniprotEnd",
    }.items():
        old[former] = old.pop(new)
    for name in ("providerId", "isComplex", "toolUsed", "globalMetricValue"):
        del old[name]
    public.models["P69905"] = [old]

    found = alphafold_model("P69905", client)

    assert (found.id, found.mean_plddt, found.start, found.end, found.sequence) == ("AF-P69905-F1", None, 1, 142, HBA)


@pytest.mark.parametrize("models", [[], [model("P69905-2", HBA)], [model("P69905", HBA, isComplex=True)], ["x"]])
def test_no_model_of_the_protein_is_no_other_proteins_model(
    public: Public, client: Client, models: list[object]
) -> None:
    public.replies.append((200, {}, json.dumps(models).encode()))

    assert "AlphaFold DB has no model of P69905" in refused(alphafold_model, "P69905", client)
    assert "AlphaFold DB has no model of Q00001" in refused(alphafold_model, "Q00001", client)


def test_a_file_on_another_site_is_not_fetched(public: Public, client: Client) -> None:
    for url in ("http://169.254.169.254/latest", "https://ebi.ac.uk.evil.org/x.cif", "file:///etc/passwd"):
        public.models["P69905"] = [model("P69905", HBA, cifUrl=url)]
        assert "is another site; it was not fetched" in refused(alphafold_model, "P69905", client)


@pytest.mark.parametrize("text", ["1bab", "1BAB", "pdb_00001bab"])
def test_a_pdb_entry_is_fetched_by_either_form_of_its_id(public: Public, client: Client, text: str) -> None:
    found = rcsb_entry(text, client)

    assert (found.id, found.method, found.resolution) == ("1BAB", "X-RAY DIFFRACTION", 1.5)
    assert found.provenance[1:3] == ("revised 2024-10-30", "CC0 1.0")
    assert read_uploaded_structure(found.content, found.filename, HBA).coverage == pytest.approx(141 / 142)


def test_extended_ids_are_parse_accession_as_they_are(public: Public, client: Client) -> None:
    public.files["/rcsb/download/pdb_00011abc.cif"] = helix_cif(MADE, "pdb_00011abc").encode()

    assert rcsb_entry("PDB_00011ABC", client).id == "pdb_00011abc"


def test_pdb_entries_that_are_not_there_are_refused(public: Public, client: Client) -> None:
    assert "RCSB PDB has no entry 9XYZ: check the id" in refused(rcsb_entry, "9xyz", client)
    assert "'haem' is no PDB id" in refused(rcsb_entry, "haem", client)
    public.replies.append((200, {}, b"<html>"))
    assert "answered no mmCIF for 1BAB" in refused(rcsb_entry, "1bab", client)


def test_folding_sends_the_sequence_and_says_what_it_changed(public: Public, client: Client) -> None:
    found = fold("MKUTAYIAKB", client)

    assert public.bodies == [b"MKXTAYIAKX"]
    assert found.notes == ("ESMFold does not read B, U; each was sent as X.",)
    assert found.sequence == "MKUTAYIAKB"
    assert read_uploaded_structure(found.content, found.filename).pdb.startswith(
        "REMARK   1 PREDICTED MODEL, MEAN PLDDT 80"
    )


@pytest.mark.parametrize("length", [0, 4, 401])
def test_folding_has_limits_that_are_said_before_anything_is_sent(public: Public, client: Client, length: int) -> None:
    assert f"takes 5 to 400 residues, this sequence has {length}" in refused(fold, "M" * length, client)
    assert public.asked == []


def test_an_answer_without_atoms_is_no_structure(public: Public, client: Client) -> None:
    public.replies.append((200, {}, b'{"message": "Endpoint request timed out"}'))
    assert "answered no structure for this sequence" in refused(fold, MADE, client)


# How it is asked


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stumbles_is_asked_again(public: Public, client: Client, waiting: Waiting, status: int) -> None:
    public.replies += [(status, {}, b"")] * 2

    assert uniprot_entry("P69905", client).sequence == HBA
    assert len(public.asked) == 3
    assert [wait for wait in waiting.slept if wait >= 1] == [1.0, 2.0]


def test_a_server_that_stays_down_is_one_sentence(public: Public, client: Client) -> None:
    public.replies += [(503, {}, b"")] * 3

    assert "UniProtKB did not give entry P69905 (status 503, 3 times): check the connection" in refused(
        uniprot_entry, "P69905", client
    )
    assert len(public.asked) == client_module.ATTEMPTS


def test_retry_after_is_followed_up_to_a_limit(public: Public, client: Client, waiting: Waiting) -> None:
    public.replies.append((429, {"Retry-After": "7"}, b""))
    uniprot_entry("P69905", client)
    assert 7.0 in waiting.slept

    public.replies.append((429, {"Retry-After": "900"}, b""))
    assert "UniProtKB asks to wait 900 s" in refused(uniprot_entry, "P69905", client)

    later = email.utils.formatdate(time.time() + 500, usegmt=True)
    public.replies.append((429, {"Retry-After": later}, b""))
    assert "UniProtKB asks to wait" in refused(uniprot_entry, "P69905", client)


def test_requests_lie_apart(public: Public, client: Client, waiting: Waiting) -> None:
    for _ in range(3):
        uniprot_entry("P69905", client)

    assert waiting.slept == [pytest.approx(UNIPROT.spacing_s)] * 2


def test_a_refusal_is_not_repeated_and_quotes_the_server(public: Public, client: Client) -> None:
    public.replies.append((400, {}, b'{"messages": ["The \'accession\' value has invalid format."]}'))

    assert 'refused entry P69905 (status 400: {"messages"' in refused(uniprot_entry, "P69905", client)
    assert len(public.asked) == 1


def test_without_network_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setenv("PROTSAE_UNIPROT_URL", "http://127.0.0.1:9")

    assert "UniProtKB did not give entry P69905 (it cannot be reached, 3 times)" in refused(
        uniprot_entry, "P69905", client
    )


def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setenv("PROTSAE_UNIPROT_URL", "file:///etc")
    with pytest.raises(ConfigError, match="is no web address; mend PROTSAE_UNIPROT_URL"):
        uniprot_entry("P69905", client)


def test_an_answer_is_read_up_to_a_limit_unpacked(public: Public, client: Client) -> None:
    public.files["/uniprot/long"] = b"M" * 2_000_000  # travels as 2 kB

    assert "gives more than 1 MB for it" in refused(
        lambda: client.get(UNIPROT, "/long", what="it", max_bytes=1_000_000)
    )
    assert len(client.get(UNIPROT, "/long", what="it").content) == 2_000_000


def test_an_answer_that_breaks_off_is_parse_accession_again(public: Public, client: Client) -> None:
    public.replies.append((200, {"Content-Length": "99999"}, b"{"))

    assert uniprot_entry("P69905", client).sequence == HBA


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y"])
def test_a_redirect_out_of_the_web_is_not_followed(public: Public, client: Client, target: str) -> None:
    public.replies.append((302, {"Location": target}, b""))

    assert "is not secure; it was not followed" in refused(uniprot_entry, "P69905", client)


def test_redirects_in_circles_end(public: Public, client: Client) -> None:
    public.replies += [(302, {"Location": "/uniprot/uniprotkb/P69905.json"}, b"")] * 9

    assert "redirects in circles" in refused(uniprot_entry, "P69905", client)


def test_a_secure_address_never_leads_to_an_insecure_one() -> None:
    with pytest.raises(SourceError, match="not secure"):
        client_module._redirected(UNIPROT, "https://rest.uniprot.org/x", "http://rest.uniprot.org/x")
    assert client_module._redirected(UNIPROT, "https://a.org/x/y", "../z") == "https://a.org/z"


# What is kept


def test_what_was_asked_before_is_not_asked_again(public: Public, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")

    first = uniprot_entry("P69905", Client(cache, limits=LIMITS))
    assert uniprot_entry("P69905", Client(cache, limits=LIMITS)) == first
    assert len(public.asked) == 1
    assert len(list((tmp_path / "cache" / "content").iterdir())) == 1


def test_equal_content_lies_there_once(public: Public, tmp_path: Path) -> None:
    public.files |= {"/uniprot/one": b"same", "/uniprot/two": b"same"}
    asks = Client(Cache(tmp_path), limits=LIMITS)

    assert [asks.get(UNIPROT, path, what="it").content for path in ("/one", "/two", "/one")] == [b"same"] * 3
    assert len(list((tmp_path / "content").iterdir())) == 1
    assert len(public.asked) == 2


def test_folding_is_kept_by_sequence(public: Public, tmp_path: Path) -> None:
    asks = Client(Cache(tmp_path), limits=LIMITS)
    for sequence in (MADE, MADE[:20], MADE):
        fold(sequence, asks)

    assert public.bodies == [MADE.encode(), MADE[:20].encode()]
    assert MADE not in "".join(path.read_text() for path in (tmp_path / "asked").iterdir())


@pytest.mark.parametrize("what", ["asked", "content"])
def test_a_damaged_cache_is_asked_anew(public: Public, tmp_path: Path, what: str) -> None:
    asks = Client(Cache(tmp_path), limits=LIMITS)
    uniprot_entry("P69905", asks)
    (path,) = (tmp_path / what).iterdir()
    path.write_bytes(path.read_bytes()[:-9])

    assert uniprot_entry("P69905", asks).sequence == HBA
    assert len(public.asked) == 2
    uniprot_entry("P69905", asks)
    assert len(public.asked) == 2


def test_what_is_old_is_asked_anew_and_errors_are_not_kept(public: Public, tmp_path: Path) -> None:
    public.files["/uniprot/x"] = b"one"
    asks = Client(Cache(tmp_path), limits=LIMITS, max_age_s=-1.0)
    for _ in range(2):
        assert "has no it" in refused(lambda: asks.get(UNIPROT, "/absent", what="it"))
        asks.get(UNIPROT, "/x", what="it")

    assert len(public.asked) == 4


def test_the_cache_drops_the_oldest(public: Public, tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit_bytes=250)
    asks = Client(cache, limits=LIMITS)
    for number in range(4):
        public.files[f"/uniprot/{number}"] = bytes([65 + number]) * 100
        asks.get(UNIPROT, f"/{number}", what="it")

    assert sum(path.stat().st_size for path in (tmp_path / "content").iterdir()) <= 250
    asks.get(UNIPROT, "/3", what="it")
    assert len(public.asked) == 4


def test_the_default_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROTSAE_CACHE", str(tmp_path / "here"))
    assert default_cache().folder == tmp_path / "here"
    assert not (tmp_path / "here").exists()
    monkeypatch.delenv("PROTSAE_CACHE")
    assert default_cache().folder == Path.home() / ".cache" / "protsae"


def test_every_source_is_asked_securely_and_has_a_licence() -> None:
    assert all(source.address.startswith("https://") and source.licence for source in SOURCES)
    assert {source.variable for source in SOURCES} == set(environment(""))
