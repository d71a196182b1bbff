"""Normal forms of relations and definitions, worked out by hand."""

from pathlib import Path

from protsae.ontology.axioms import Axioms, normalise
from protsae.ontology.graph import Ontology

OBO = """format-version: 1.2

[Term]
id: GO:0000001
name: process
namespace: biological_process

[Term]
id: GO:0000002
name: regulation of process
namespace: biological_process
intersection_of: GO:0000001 ! process
intersection_of: regulates GO:0000003 ! division
relationship: regulates GO:0000003

[Term]
id: GO:0000003
name: division
namespace: biological_process
is_a: GO:0000001

[Term]
id: GO:0000004
name: regulation of division in a cell
namespace: biological_process
is_a: GO:0000001
intersection_of: GO:0000001
intersection_of: regulates GO:0000003
intersection_of: occurs_in GO:0000005

[Term]
id: GO:0000005
name: cell
namespace: cellular_component
relationship: has_part GO:0000006

[Term]
id: GO:0000006
name: membrane
namespace: cellular_component

[Term]
id: GO:0000007
name: process in an unknown place
namespace: biological_process
is_a: GO:0000001
intersection_of: GO:0000001
intersection_of: occurs_in CL:0000001
"""


def spelled(axioms: Axioms) -> dict[str, set[str]]:
    c, r = axioms.classes, axioms.roles
    return {
        "nf1": {f"{c[a]} <= {c[b]}" for a, b in axioms.nf1},
        "nf2": {f"{c[a]} and {c[b]} <= {c[d]}" for a, b, d in axioms.nf2},
        "nf3": {f"{r[role]} some {c[a]} <= '{c[b]}'" for role, a, b in axioms.nf3},
        "nf4": {f"{c[a]} <= {r[role]} some {c[b]}" for a, role, b in axioms.nf4},
    }


def test_definitions_normalise_with_fresh_classes(tmp_path: Path) -> None:
    (tmp_path / "go.obo").write_text(OBO)

    axioms = Ontology.read(tmp_path / "go.obo").axioms("BPO")

    assert axioms.classes == (
        "GO:0000001",
        "GO:0000002",
        "GO:0000003",
        "GO:0000004",
        "GO:0000007",
        "GO:0000005",
        "GO:0000001 and occurs_in some GO:0000005",
        "occurs_in some GO:0000005",
        "regulates some GO:0000003",
    )
    assert axioms.roles == ("occurs_in", "regulates")
    assert spelled(axioms) == {
        "nf1": {
            "GO:0000002 <= GO:0000001",
            "GO:0000003 <= GO:0000001",
            "GO:0000004 <= GO:0000001",
            "GO:0000007 <= GO:0000001",
        },
        "nf2": {
            "GO:0000001 and regulates some GO:0000003 <= GO:0000002",
            "GO:0000001 and occurs_in some GO:0000005 <= GO:0000001 and occurs_in some GO:0000005",
            "GO:0000001 and occurs_in some GO:0000005 and regulates some GO:0000003 <= GO:0000004",
        },
        "nf3": {
            "regulates some GO:0000003 <= 'regulates some GO:0000003'",
            "occurs_in some GO:0000005 <= 'occurs_in some GO:0000005'",
        },
        "nf4": {
            "GO:0000002 <= regulates some GO:0000003",
            "GO:0000004 <= regulates some GO:0000003",
            "GO:0000004 <= occurs_in some GO:0000005",
        },
    }


def test_relations_of_the_other_namespace_stay_there(tmp_path: Path) -> None:
    (tmp_path / "go.obo").write_text(OBO)

    axioms = Ontology.read(tmp_path / "go.obo").axioms("CCO")

    assert spelled(axioms)["nf4"] == {"GO:0000005 <= has_part some GO:0000006"}
    assert axioms.nf1.shape == (0, 2)
    assert axioms.nf2.shape == axioms.nf3.shape == (0, 3)


def test_one_conjunct_is_an_equivalence_and_rows_occur_once() -> None:
    axioms = normalise(["A", "B"], [("A", "is_a", "B"), ("A", "is_a", "B")], [("A", [("", "B")])])

    assert axioms.nf1.tolist() == [[0, 1], [1, 0]]
    assert axioms.nf1.dtype.kind == "i"
    assert axioms.roles == ()
