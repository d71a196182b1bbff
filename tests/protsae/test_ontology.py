"""The Gene Ontology's graph on a hand-written file, and on the real one where it is at hand."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from protsae.errors import InputError
from protsae.ontology.graph import Edge, Ontology
from protsae.ontology.namespaces import GOScope, members

GO_OBO = Path(__file__).parents[2] / "../shared/data/go.obo.gz"

HEADER = "format-version: 1.2\nontology: go\n"
OBO = (
    HEADER
    + r"""
[Term]
id: GO:0000001
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0000002
name: biological_process
namespace: biological_process

[Term]
id: GO:0000003
name: binding
namespace: molecular_function
alt_id: GO:0000033
alt_id: GO:0000034
synonym: "ligand \"grip\"" EXACT [x:y]
synonym: "holding, loosely" BROAD []
synonym: "clasp" []
is_a: GO:0000001 ! molecular_function

[Term]
id: GO:0000004
name: metal binding
namespace: molecular_function
is_a: GO:0000003 {source="x"} ! binding
relationship: part_of GO:0000005 ! transport
relationship: has_part CHEBI:1

[Term]
id: GO:0000005
name: transport
namespace: biological_process
is_a: GO:0000002

[Term]
id: GO:0000006
name: regulation of transport
namespace: biological_process
is_a: GO:0000002
relationship: regulates GO:0000005

[Term]
id: GO:0000007
name: zinc binding
namespace: molecular_function
is_a: GO:0000004
is_a: GO:0000003

[Term]
id: GO:0000008
name: obsolete old binding
namespace: molecular_function
is_obsolete: true
replaced_by: GO:0000004

[Term]
id: GO:0000009
name: obsolete lost process
namespace: biological_process
is_obsolete: true
consider: GO:0000005

[Term]
id: CL:1
name: a cell
namespace: cell

[Typedef]
id: part_of
name: part of
is_transitive: true
"""
)


def g(*numbers: int) -> set[str]:
    return {f"GO:{n:07d}" for n in numbers}


@pytest.fixture
def ontology(tmp_path: Path) -> Ontology:
    with gzip.open(tmp_path / "go.obo.gz", "wt") as file:
        file.write(OBO)
    return Ontology.read(tmp_path / "go.obo.gz")


def test_terms_carry_names_synonyms_and_alternative_ids(ontology: Ontology) -> None:
    term = ontology.terms["GO:0000003"]

    assert term[:4] == ("GO:0000003", "binding", "MFO", False)
    assert term.synonyms == (('ligand "grip"', "EXACT"), ("holding, loosely", "BROAD"), ("clasp", "RELATED"))
    assert term.alt_ids == ("GO:0000033", "GO:0000034")
    assert set(ontology.terms) == g(*range(1, 10))


def test_ids_resolve_to_current_terms(ontology: Ontology) -> None:
    assert ontology.resolve("GO:0000034") == "GO:0000003"
    assert ontology.resolve("GO:0000008") == "GO:0000004"
    assert ontology.resolve("GO:0000009") == "GO:0000009"
    assert ontology.term("GO:0000009").is_obsolete
    assert "GO:0000033" in ontology
    assert "CL:1" not in ontology
    with pytest.raises(InputError, match="'GO:9999999' is no term"):
        ontology.resolve("GO:9999999")


def test_a_term_that_another_has_taken_up_under_its_name_is_that_term(tmp_path: Path) -> None:
    mixed = OBO.replace("alt_id: GO:0000034", "alt_id: GO:0000034\nalt_id: GO:0000010") + (
        "\n[Term]\nid: GO:0000010\nname: binding\nnamespace: molecular_function\nis_a: GO:0000001\n"
        "\n[Term]\nid: GO:0000011\nname: cofactor binding\nnamespace: molecular_function\nis_a: GO:0000010\n"
    )
    (tmp_path / "go.obo").write_text(mixed)

    ontology = Ontology.read(tmp_path / "go.obo")

    assert ontology.n_merged == 1
    assert ontology.resolve("GO:0000010") == "GO:0000003"
    assert ontology.ancestors("GO:0000011") == frozenset(g(1, 3))
    names = [term.name for term in ontology.terms.values()]
    assert len(names) == len(set(names))


def test_closure_follows_is_a_and_part_of_across_namespaces(ontology: Ontology) -> None:
    assert set(ontology.parents("GO:0000004")) == g(3, 5)
    assert ontology.children("GO:0000003") == ("GO:0000004", "GO:0000007")
    assert ontology.ancestors("GO:0000007") == g(1, 2, 3, 4, 5)
    assert ontology.ancestors("GO:0000007", include_self=True, namespace="MFO") == g(1, 3, 4, 7)
    assert ontology.ancestors("GO:0000006") == g(2)
    assert ontology.close(["GO:0000033", "GO:0000006"]) == g(1, 2, 3, 6)
    assert ontology.close([]) == set()
    assert ontology.roots() == ("GO:0000001", "GO:0000002")


def test_edges_keep_every_relation_between_known_terms(ontology: Ontology) -> None:
    assert Edge("GO:0000006", "regulates", "GO:0000005") in ontology.edges()
    assert Edge("GO:0000004", "part_of", "GO:0000005") in ontology.edges()
    assert len(ontology.edges()) == 8
    assert not any(edge.parent == "CHEBI:1" for edge in ontology.edges())


def test_axioms_are_those_of_one_namespace(ontology: Ontology) -> None:
    mfo = ontology.axioms("MFO")
    bpo = ontology.axioms("BPO", within=g(2, 5))

    assert mfo.classes == ("GO:0000001", "GO:0000003", "GO:0000004", "GO:0000007", "GO:0000005")
    assert {(mfo.classes[c], mfo.classes[d]) for c, d in mfo.nf1} == {
        ("GO:0000003", "GO:0000001"),
        ("GO:0000004", "GO:0000003"),
        ("GO:0000007", "GO:0000003"),
        ("GO:0000007", "GO:0000004"),
    }
    assert [(mfo.classes[c], mfo.roles[r], mfo.classes[d]) for c, r, d in mfo.nf4] == [
        ("GO:0000004", "part_of", "GO:0000005")
    ]
    assert bpo.classes == ("GO:0000002", "GO:0000005")
    assert bpo.nf1.tolist() == [[1, 0]]
    assert bpo.nf4.shape == (0, 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b">sp|P1\nMKLV\n", "cannot be read as OBO"),
        (b"\x89\xff\x00rubbish", "is no text file"),
        (b"", "holds no Gene Ontology terms"),
        (HEADER.encode() + b"\n[Term]\nid: HP:1\nname: x\n", "holds no Gene Ontology terms"),
        (OBO.replace("is_a: GO:0000003 {", "is_a: GO:0000099 {").encode(), "lacks GO:0000099, which GO:0000004"),
        (OBO.replace("is_a: GO:0000002\n\n", "relationship: part_of GO:0000007\n\n").encode(), "run in a circle: GO:"),
    ],
)
def test_files_that_are_no_gene_ontology_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "go.obo"
    path.write_bytes(content)

    with pytest.raises(InputError, match=sentence) as error:
        Ontology.read(path)
    assert "\n" not in str(error.value)


def stanza(go_id: str, *lines: str) -> str:
    return "\n".join(["[Term]", f"id: {go_id}", f"name: {go_id}", "namespace: molecular_function", *lines, "", ""])


@pytest.mark.parametrize("relation", ["is_a: {}", "relationship: part_of {}"])
@pytest.mark.parametrize("members", [("GO:2",), ("GO:2", "GO:3"), ("GO:2", "GO:3", "GO:4")])
def test_a_circle_is_refused_with_the_file_the_circle_and_a_way_out(
    tmp_path: Path, relation: str, members: tuple[str, ...]
) -> None:
    above = [*members[1:], members[0]]
    text = "".join(stanza(go_id, relation.format(parent)) for go_id, parent in zip(members, above, strict=True))
    (tmp_path / "go-basic.obo").write_text("format-version: 1.2\n\n" + stanza("GO:1") + text)

    with pytest.raises(InputError) as caught:
        Ontology.read(tmp_path / "go-basic.obo")
    said = str(caught.value)
    circle = [*members, members[0]]
    turned = {" -> ".join([*circle[n:-1], *circle[: n + 1]]) for n in range(len(members))}
    assert str(tmp_path / "go-basic.obo") in said
    assert any(one in said for one in turned)
    assert "give another release of GO" in said


@pytest.mark.parametrize(
    ("stanzas", "old", "current"),
    [
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:1")], "GO:2", "GO:1"),
        (
            [("GO:2", "is_obsolete: true", "replaced_by: GO:3"), ("GO:3", "is_obsolete: true", "replaced_by: GO:1")],
            "GO:2",
            "GO:1",
        ),
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:9")], "GO:2", "GO:1"),  # GO:9 was merged into GO:1
        ([("GO:2", "alt_id: GO:8", "is_obsolete: true", "replaced_by: GO:9")], "GO:8", "GO:1"),
        ([("GO:9", "is_obsolete: true", "replaced_by: GO:77")], "GO:9", "GO:1"),  # what it names is nowhere
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:3"), ("GO:3", "is_obsolete: true")], "GO:2", "GO:2"),
        (
            [("GO:2", "is_obsolete: true", "replaced_by: GO:3"), ("GO:3", "is_obsolete: true", "replaced_by: GO:2")],
            "GO:2",
            "GO:2",
        ),
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:2")], "GO:2", "GO:2"),
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:1", "replaced_by: GO:3"), ("GO:3",)], "GO:2", "GO:2"),
        ([("GO:2", "alt_id: GO:8", "is_obsolete: true")], "GO:8", "GO:2"),
        ([("GO:2", "is_obsolete: true", "replaced_by:", "intersection_of:")], "GO:2", "GO:2"),
        ([("GO:2", "is_obsolete: true", "replaced_by: GO:1 ! its name")], "GO:2", "GO:1"),
    ],
)
def test_old_ids_lead_to_the_current_term_over_any_number_of_steps(
    tmp_path: Path, stanzas: list[tuple[str, ...]], old: str, current: str
) -> None:
    text = stanza("GO:1", "alt_id: GO:9") + "".join(stanza(*one) for one in stanzas)
    (tmp_path / "go.obo").write_text("format-version: 1.2\n\n" + text)
    ontology = Ontology.read(tmp_path / "go.obo")

    assert old in ontology
    assert ontology.resolve(old) == current
    assert ontology.term(old).is_obsolete == (current == "GO:2")


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\n\n" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(text.encode()),
    ],
)
def test_marks_line_ends_and_gzip_change_nothing(tmp_path: Path, changed: Callable[[str], bytes]) -> None:
    (tmp_path / "plain").write_text(OBO)
    (tmp_path / "changed").write_bytes(changed(OBO))
    plain, found = Ontology.read(tmp_path / "plain"), Ontology.read(tmp_path / "changed")

    assert found.terms == plain.terms
    assert found.edges() == plain.edges()


def test_a_missing_or_truncated_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.obo does not exist"):
        Ontology.read(tmp_path / "none.obo")
    (tmp_path / "cut.obo.gz").write_bytes(gzip.compress(OBO.encode())[:-40])
    with pytest.raises(InputError, match=r"cut\.obo\.gz is damaged"):
        Ontology.read(tmp_path / "cut.obo.gz")


def test_the_default_namespace_of_the_header_counts(tmp_path: Path) -> None:
    text = "format-version: 1.2\ndefault-namespace: cellular_component\n\n[Term]\nid: GO:0000001\nname: cell\n"
    (tmp_path / "go.obo").write_text(text)

    assert Ontology.read(tmp_path / "go.obo").terms["GO:0000001"].namespace == "CCO"


def test_axioms_of_all_of_go_are_those_of_every_namespace(ontology: Ontology) -> None:
    def named(scope: GOScope) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
        found = ontology.axioms(scope)
        is_a = {(found.classes[c], found.classes[d]) for c, d in found.nf1}
        return is_a, {(found.classes[c], found.roles[r], found.classes[d]) for c, r, d in found.nf4}

    apart = [named(namespace) for namespace in members("GO")]

    assert named("GO") == tuple(set().union(*forms) for forms in zip(*apart, strict=True))
    assert ("GO:0000004", "part_of", "GO:0000005") in named("GO")[1], "a function that is part of a process"
    assert [members(scope) for scope in ("CCO", "GO", "")] == [("CCO",), ("MFO", "BPO", "CCO"), ()]


@pytest.mark.skipif(not GO_OBO.is_file(), reason="the real go.obo.gz is not beside the repository")
def test_the_real_ontology() -> None:
    ontology = Ontology.read(GO_OBO)

    assert len(ontology.terms) == 43_756
    assert {"GO:0003674", "GO:0008150", "GO:0005575"} <= set(ontology.roots())
    assert "GO:0003674" in ontology.ancestors("GO:0008270")
    assert ontology.term("GO:0008270").name == "zinc ion binding"
    for namespace in ("MFO", "BPO", "CCO"):
        axioms = ontology.axioms(namespace)
        assert len(axioms.nf1) > 1000
        assert max(axioms.nf1.max(), axioms.nf4[:, [0, 2]].max()) < len(axioms.classes)
