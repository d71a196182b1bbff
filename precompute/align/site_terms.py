"""Which residue annotations carry the function that a GO term names: the map of the site level.

A term stands here only where an annotation names the residues that do what the term says: what binds the ligand,
what catalyses, what crosses the membrane, what sends the protein where it goes. A general term takes the residues of
the specific ones below it. Annotations are known by kind (as `precompute/inputs/feature_columns.py` and `contacts.py`
call them) and, where a kind has several meanings, by their label, which in binding sites begins with the ligand.
Structures name no ligand beyond its class, so their contacts serve terms of the whole class only.

Read `SITE_TERMS`, then `Named`. Source: designed here, after https://www.uniprot.org/help/sequence_annotation
"""

import re
from functools import cache
from typing import NamedTuple


class Named(NamedTuple):
    """Annotations of one kind."""

    kind: str
    """As the column `kind` has it, exactly."""

    label: str = ""
    """Regular expression that the label has to begin with, in any case; '' takes every label."""

    def fits(self, kind: str, label: str) -> bool:
        """Whether an annotation is one of these."""
        return kind == self.kind and _pattern(self.label).match(label) is not None


class SiteTerm(NamedTuple):
    """A GO term and the annotations that name its residues."""

    go_id: str
    name: str
    """As GO has it; for readers, nothing is looked up by it."""

    named: tuple[Named, ...]
    """Any of these."""


def _ligand(label: str) -> tuple[Named, ...]:
    return (Named("Binding site", label), Named("Region", rf"(?:{label})[ -]+binding"))


_METALS = {
    "zinc": r"zinc\b|zn\(",
    "iron": r"iron\b(?!-sulfur)|fe(?: cation)?\b(?!-s)|heme",
    "magnesium": r"magnesium|mg\(|divalent metal",
    "calcium": r"calcium|ca\(|\d+$",
    "manganese": r"manganese|mn\(|magnesium or manganese",
    "copper": r"copper|cu\b|cu\(",
    "nickel": r"nickel|ni\(",
    "cobalt": r"cobalt|co\(",
    "potassium": r"potassium|k\(",
    "sodium": r"sodium|na\(",
    "molybdenum": r"molybd|mo-",
}
_ZINC_FINGER = Named("Zinc finger", r"(?!.*degenerate)")
_ZINC = (*_ligand(_METALS["zinc"]), _ZINC_FINGER, Named("DNA binding", r"Zn\(2\)-C6"))
_IRON = _ligand(_METALS["iron"])
_HEME = _ligand(r"heme|iron \(heme|protoheme")
_IRON_SULFUR = _ligand(r"iron-sulfur|\[?[234]Fe-")
_COPPER = (*_ligand(_METALS["copper"]), Named("DNA binding", "copper-fist"))
_CALCIUM = (*_ligand(_METALS["calcium"]), Named("Domain", "EF-hand"))
_MAGNESIUM = _ligand(_METALS["magnesium"])
_MANGANESE = _ligand(_METALS["manganese"])
_TRANSITION = (
    *_ZINC,
    *_IRON,
    *_MANGANESE,
    *_COPPER,
    *_ligand(_METALS["nickel"]),
    *_ligand(_METALS["cobalt"]),
    *_ligand(_METALS["molybdenum"]),
)
_METAL = (
    *_TRANSITION,
    *_MAGNESIUM,
    *_CALCIUM,
    *_ligand(_METALS["potassium"]),
    *_ligand(_METALS["sodium"]),
    *_ligand(r"(?:a )?(?:divalent|monovalent)? ?metal"),
    Named("Metal contact"),
)

_ATP = _ligand(r"(?:Mg-)?ATP\b")
_GTP = (*_ligand(r"GTP\b"), Named("Region", r"G[1-5](?: motif)?$"))
_ADENYL, _GUANYL = _ligand(r"(?:Mg-)?A[TDM]P\b|c-di-AMP|3',5'-cyclic AMP|cAMP"), (*_GTP, *_ligand(r"G[DM]P\b|c-di-GMP"))
_NAD, _NADP = _ligand(r"NAD\b(?!P|\(P\))|NADH|NAD\(\+\)|NAD or NADP"), _ligand(r"NADP|NAD or NADP|NAD\(P\)")
_FAD, _FMN = _ligand(r"FAD\b|flavin adenine"), _ligand(r"FMN\b|flavin mono")
_PURINE = (*_ADENYL, *_GUANYL)
_NUCLEOTIDE = (*_PURINE, *_NAD, *_NADP, *_FAD, *_FMN, *_ligand(r"(?:d?[UCT][TDM]P\b|UDP-|CDP-|d[AG][TDM]P\b|IMP\b)"))

_PLP = (*_ligand("pyridoxal"), Named("Modified residue", r"N6-\(pyridoxal phosphate\)lysine"))
_SAM = _ligand(r"S-adenosyl-?L?-?(?:methionine|homocysteine)")
_COA = _ligand(r"(?:[\w-]+-)?CoA\b|coenzyme A")
_THIAMINE = _ligand("thiamine")
_CARRIED = (Named("Modified residue", r"O-\(pantetheine"),)
_VITAMIN = (
    *_PLP,
    *_THIAMINE,
    *_ligand("biotin|cobalamin|adenosylcob|ascorb|retin"),
    Named("Modified residue", "N6-biotinyllysine"),
)
_GLUTATHIONE = _ligand("glutathione")
_AMINO_ACID = _ligand(r"L-(?:\w+(?:ine|ate|ic acid|an))\b|glycine")
_CARBOHYDRATE = _ligand(
    r"(?:[abD-]|alpha|beta)*-?(?:gluco|galact|mann|fruct|xyl|arabin|ribo|malt|sucr|lact|chit|cellob|N-acetyl)\w*"
)
_LIPID_DOMAINS = (Named("Domain", r"(?:PX|PH|ENTH|FERM|C2|SEC14|CRAL|START)\b"), Named("Zinc finger", "FYVE"))

_ACTIVE = (Named("Active site"),)
_CATALYTIC = (*_ACTIVE, Named("Site", "transition state|(?:important|essential|critical|required) for cata"))
_REDOX = (Named("Disulfide bond", "redox"), Named("Active site", ".*(?:cysteine|nucleophile|redox)"))
_KINASE = (*_ACTIVE, *_ATP)

_DNA_READER = (
    Named("DNA binding"),
    Named("Region", r"basic motif|DNA[ -]binding|interaction with DNA"),
    Named("Zinc finger", r"(?:C2H2|GATA|NR C4|C4|Dof|TFIIS|C2HC|CHHC)(?!.*degenerate)"),
)
_DNA = (*_DNA_READER, Named("Site", "interaction with DNA"), Named("Nucleic-acid contact"))
_RNA = (
    Named("Domain", r"(?:RRM|KH|S4 RNA|S1 motif|DRBM|PUM|PAZ|Sm\b|TRAM|THUMP|CRM|YTH|La-type|R3H)"),
    Named("Region", r"(?:\w+ )?(?:[tmr]?RNA)\b|RNA-binding|interaction with .*RNA|mRNA cap"),
    Named("Binding site", r"(?:[tmr]RNA|RNA)\b|mRNA cap"),
    Named("Site", r"interaction with .*RNA|.*aa-tRNA"),
    Named("Repeat", "pumilio"),
    Named("Zinc finger", r"C3H1|CCHC|RanBP2"),
    Named("Nucleic-acid contact"),
)
_TRNA = (
    Named("Region", r".*tRNA|'?HIGH|'?KMSKS"),
    Named("Binding site", "tRNA"),
    Named("Site", ".*tRNA"),
    Named("Nucleic-acid contact"),
)
_RRNA = (
    Named("Domain", "S4 RNA"),
    Named("Region", ".*rRNA"),
    Named("Site", ".*rRNA"),
    Named("Nucleic-acid contact"),
)

_ACROSS = (Named("Transmembrane"),)
_IN_MEMBRANE = (*_ACROSS, Named("Intramembrane"))
_ANCHOR = (Named("Lipidation", "GPI-anchor"),)
_SIGNAL = (Named("Signal peptide"),)
_TO_MITOCHONDRION = (Named("Transit peptide", "mitochondri"),)

SITE_TERMS: tuple[SiteTerm, ...] = (
    # metals
    SiteTerm("GO:0043167", "ion binding", (*_METAL, *_ligand("phosphate|sulfate|chloride"))),
    SiteTerm("GO:0043169", "cation binding", _METAL),
    SiteTerm("GO:0046872", "metal ion binding", _METAL),
    SiteTerm("GO:0046914", "transition metal ion binding", _TRANSITION),
    SiteTerm("GO:0008270", "zinc ion binding", _ZINC),
    SiteTerm("GO:0005506", "iron ion binding", _IRON),
    SiteTerm("GO:0000287", "magnesium ion binding", _MAGNESIUM),
    SiteTerm("GO:0005509", "calcium ion binding", _CALCIUM),
    SiteTerm("GO:0030145", "manganese ion binding", _MANGANESE),
    SiteTerm("GO:0005507", "copper ion binding", _COPPER),
    SiteTerm("GO:0016151", "nickel cation binding", _ligand(_METALS["nickel"])),
    SiteTerm("GO:0050897", "cobalt ion binding", _ligand(_METALS["cobalt"])),
    SiteTerm("GO:0030955", "potassium ion binding", _ligand(_METALS["potassium"])),
    SiteTerm("GO:0031402", "sodium ion binding", _ligand(_METALS["sodium"])),
    SiteTerm("GO:0020037", "heme binding", _HEME),
    SiteTerm("GO:0046906", "tetrapyrrole binding", (*_HEME, *_ligand("cobalamin|adenosylcob|siroheme|chlorophyll"))),
    SiteTerm("GO:0051540", "metal cluster binding", _IRON_SULFUR),
    SiteTerm("GO:0051536", "iron-sulfur cluster binding", _IRON_SULFUR),
    SiteTerm("GO:0051539", "4 iron, 4 sulfur cluster binding", _ligand(r"iron-sulfur(?: \d)? \(4Fe-4S|\[?4Fe-4S")),
    SiteTerm("GO:0051537", "2 iron, 2 sulfur cluster binding", _ligand(r"iron-sulfur(?: \d)? \(2Fe-2S|\[?2Fe-2S")),
    # nucleotides and other small molecules
    SiteTerm(
        "GO:0036094", "small molecule binding", (*_NUCLEOTIDE, *_PLP, *_SAM, *_COA, Named("Small-molecule contact"))
    ),
    SiteTerm("GO:0043168", "anion binding", (*_NUCLEOTIDE, *_PLP, *_COA, *_THIAMINE, *_ligand("phosphate"))),
    SiteTerm("GO:1901265", "nucleoside phosphate binding", _NUCLEOTIDE),
    SiteTerm("GO:0000166", "nucleotide binding", _NUCLEOTIDE),
    SiteTerm("GO:0097367", "carbohydrate derivative binding", (*_PURINE, *_ligand(r"(?:d?[UCT][TDM]P\b|UDP-|CDP-)"))),
    SiteTerm("GO:0032553", "ribonucleotide binding", (*_PURINE, *_ligand(r"[UC][TDM]P\b"))),
    SiteTerm("GO:0017076", "purine nucleotide binding", _PURINE),
    SiteTerm("GO:0032555", "purine ribonucleotide binding", _PURINE),
    SiteTerm("GO:0035639", "purine ribonucleoside triphosphate binding", (*_ATP, *_GTP)),
    SiteTerm("GO:0030554", "adenyl nucleotide binding", _ADENYL),
    SiteTerm("GO:0032559", "adenyl ribonucleotide binding", _ADENYL),
    SiteTerm("GO:0005524", "ATP binding", _ATP),
    SiteTerm("GO:0016887", "ATP hydrolysis activity", _ATP),
    SiteTerm("GO:0019001", "guanyl nucleotide binding", _GUANYL),
    SiteTerm("GO:0032561", "guanyl ribonucleotide binding", _GUANYL),
    SiteTerm("GO:0005525", "GTP binding", _GTP),
    SiteTerm("GO:0003924", "GTPase activity", _GTP),
    SiteTerm("GO:0017111", "ribonucleoside triphosphate phosphatase activity", (*_ATP, *_GTP)),
    SiteTerm("GO:0051287", "NAD binding", _NAD),
    SiteTerm("GO:0050661", "NADP binding", _NADP),
    SiteTerm("GO:0050660", "flavin adenine dinucleotide binding", _FAD),
    SiteTerm("GO:0010181", "FMN binding", _FMN),
    SiteTerm("GO:0019842", "vitamin binding", _VITAMIN),
    SiteTerm("GO:0070279", "vitamin B6 binding", _PLP),
    SiteTerm("GO:0030170", "pyridoxal phosphate binding", _PLP),
    SiteTerm("GO:0008483", "transaminase activity", _PLP),
    SiteTerm("GO:0030976", "thiamine pyrophosphate binding", _THIAMINE),
    SiteTerm("GO:1904047", "S-adenosyl-L-methionine binding", _SAM),
    SiteTerm("GO:0008168", "methyltransferase activity", (*_SAM, *_ACTIVE)),
    SiteTerm("GO:0008757", "S-adenosylmethionine-dependent methyltransferase activity", (*_SAM, *_ACTIVE)),
    SiteTerm("GO:0120227", "acyl-CoA binding", _COA),
    SiteTerm("GO:0140414", "phosphopantetheine-dependent carrier activity", _CARRIED),
    SiteTerm("GO:0031177", "phosphopantetheine binding", _CARRIED),
    SiteTerm("GO:0016597", "amino acid binding", _AMINO_ACID),
    SiteTerm("GO:0031406", "carboxylic acid binding", (*_AMINO_ACID, *_ligand("citrate|pyruvate|biotin|folate"))),
    SiteTerm("GO:0030246", "carbohydrate binding", _CARBOHYDRATE),
    SiteTerm("GO:0004364", "glutathione transferase activity", (*_GLUTATHIONE, *_ACTIVE)),
    SiteTerm("GO:0035091", "phosphatidylinositol binding", _LIPID_DOMAINS),
    SiteTerm("GO:0005543", "phospholipid binding", _LIPID_DOMAINS),
    SiteTerm("GO:0008289", "lipid binding", _LIPID_DOMAINS),
    SiteTerm("GO:0005516", "calmodulin binding", (Named("Domain", "IQ"), Named("Region", "calmodulin"))),
    SiteTerm(
        "GO:0043130",
        "ubiquitin binding",
        (
            Named("Domain", r"(?:UBA|CUE|UIM|GAT|VHS|NZF)\b"),
            Named("Region", ".*ubiquitin"),
            Named("Site", ".*ubiquitin-binding"),
        ),
    ),
    # nucleic acids
    SiteTerm("GO:0003676", "nucleic acid binding", (*_DNA, *_RNA)),
    SiteTerm("GO:0003677", "DNA binding", _DNA),
    SiteTerm("GO:0003690", "double-stranded DNA binding", _DNA),
    SiteTerm("GO:0043565", "sequence-specific DNA binding", _DNA),
    SiteTerm("GO:1990837", "sequence-specific double-stranded DNA binding", _DNA),
    SiteTerm("GO:0000976", "transcription cis-regulatory region binding", _DNA),
    SiteTerm("GO:0140110", "transcription regulator activity", _DNA_READER),
    SiteTerm("GO:0003700", "DNA-binding transcription factor activity", _DNA_READER),
    SiteTerm("GO:0003723", "RNA binding", _RNA),
    SiteTerm("GO:0003729", "mRNA binding", _RNA),
    SiteTerm("GO:0000049", "tRNA binding", _TRNA),
    SiteTerm("GO:0019843", "rRNA binding", _RRNA),
    # catalysis
    SiteTerm("GO:0003824", "catalytic activity", _CATALYTIC),
    SiteTerm("GO:0140096", "catalytic activity, acting on a protein", _CATALYTIC),
    SiteTerm("GO:0016787", "hydrolase activity", _CATALYTIC),
    SiteTerm("GO:0016788", "hydrolase activity, acting on ester bonds", _CATALYTIC),
    SiteTerm("GO:0052689", "carboxylic ester hydrolase activity", _CATALYTIC),
    SiteTerm("GO:0016790", "thiolester hydrolase activity", _CATALYTIC),
    SiteTerm("GO:0016791", "phosphatase activity", _CATALYTIC),
    SiteTerm("GO:0004721", "phosphoprotein phosphatase activity", _CATALYTIC),
    SiteTerm("GO:0004518", "nuclease activity", _CATALYTIC),
    SiteTerm("GO:0016798", "hydrolase activity, acting on glycosyl bonds", _CATALYTIC),
    SiteTerm("GO:0004553", "hydrolase activity, hydrolyzing O-glycosyl compounds", _CATALYTIC),
    SiteTerm("GO:0016810", "hydrolase activity, acting on carbon-nitrogen (but not peptide) bonds", _CATALYTIC),
    SiteTerm("GO:0008233", "peptidase activity", _CATALYTIC),
    SiteTerm("GO:0004175", "endopeptidase activity", _CATALYTIC),
    SiteTerm("GO:0008236", "serine-type peptidase activity", _CATALYTIC),
    SiteTerm("GO:0008234", "cysteine-type peptidase activity", _CATALYTIC),
    SiteTerm("GO:0008237", "metallopeptidase activity", (*_CATALYTIC, *_ligand(_METALS["zinc"]))),
    SiteTerm("GO:0016740", "transferase activity", _CATALYTIC),
    SiteTerm("GO:0016746", "acyltransferase activity", (*_CATALYTIC, *_COA)),
    SiteTerm(
        "GO:0016747", "acyltransferase activity, transferring groups other than amino-acyl groups", (*_CATALYTIC, *_COA)
    ),
    SiteTerm("GO:0016757", "glycosyltransferase activity", _CATALYTIC),
    SiteTerm("GO:0016765", "transferase activity, transferring alkyl or aryl (other than methyl) groups", _CATALYTIC),
    SiteTerm("GO:0016301", "kinase activity", _KINASE),
    SiteTerm("GO:0016773", "phosphotransferase activity, alcohol group as acceptor", _KINASE),
    SiteTerm("GO:0004672", "protein kinase activity", _KINASE),
    SiteTerm("GO:0004674", "protein serine/threonine kinase activity", _KINASE),
    SiteTerm("GO:0016491", "oxidoreductase activity", (*_CATALYTIC, *_REDOX)),
    SiteTerm("GO:0016614", "oxidoreductase activity, acting on CH-OH group of donors", _CATALYTIC),
    SiteTerm("GO:0015036", "disulfide oxidoreductase activity", _REDOX),
    SiteTerm("GO:0015035", "protein-disulfide reductase activity", _REDOX),
    SiteTerm("GO:0016209", "antioxidant activity", (*_ACTIVE, *_REDOX)),
    SiteTerm("GO:0016829", "lyase activity", _CATALYTIC),
    SiteTerm("GO:0016830", "carbon-carbon lyase activity", _CATALYTIC),
    SiteTerm("GO:0016835", "carbon-oxygen lyase activity", _CATALYTIC),
    SiteTerm("GO:0016836", "hydro-lyase activity", _CATALYTIC),
    SiteTerm("GO:0016853", "isomerase activity", _CATALYTIC),
    SiteTerm("GO:0016866", "intramolecular transferase activity", _CATALYTIC),
    SiteTerm("GO:0016874", "ligase activity", (*_CATALYTIC, *_ATP)),
    SiteTerm("GO:0004812", "aminoacyl-tRNA ligase activity", (*_ATP, Named("Motif", "'?(?:HIGH|KMSKS)"))),
    SiteTerm("GO:0004386", "helicase activity", (*_ATP, Named("Motif", "DE.[DH] box|Q motif"))),
    SiteTerm("GO:0004842", "ubiquitin-protein transferase activity", (*_ACTIVE, Named("Zinc finger", "RING|SP-RING"))),
    SiteTerm("GO:0061650", "ubiquitin-like protein conjugating enzyme activity", _ACTIVE),
    SiteTerm("GO:0009055", "electron transfer activity", (*_HEME, *_IRON_SULFUR, *_COPPER, *_FAD, *_FMN, *_REDOX)),
    SiteTerm(
        "GO:0000156", "phosphorelay response regulator activity", (Named("Modified residue", "4-aspartylphosphate"),)
    ),
    SiteTerm("GO:0000155", "phosphorelay sensor kinase activity", (Named("Modified residue", "phosphohistidine"),)),
    SiteTerm(
        "GO:0000160",
        "phosphorelay signal transduction system",
        (Named("Modified residue", "4-aspartylphosphate|phosphohistidine"),),
    ),
    SiteTerm("GO:0005484", "SNAP receptor activity", (Named("Domain", r".*SNARE"),)),
    # membranes
    SiteTerm("GO:0005215", "transporter activity", _ACROSS),
    SiteTerm("GO:0022857", "transmembrane transporter activity", _ACROSS),
    SiteTerm("GO:0015267", "channel activity", _IN_MEMBRANE),
    SiteTerm("GO:0015075", "monoatomic ion transmembrane transporter activity", _IN_MEMBRANE),
    SiteTerm("GO:0022804", "active transmembrane transporter activity", _ACROSS),
    SiteTerm("GO:0055085", "transmembrane transport", _ACROSS),
    SiteTerm("GO:0004888", "transmembrane signaling receptor activity", _ACROSS),
    SiteTerm("GO:0004930", "G protein-coupled receptor activity", _ACROSS),
    SiteTerm("GO:0016020", "membrane", _IN_MEMBRANE),
    SiteTerm("GO:0031224", "intrinsic component of membrane", (*_IN_MEMBRANE, *_ANCHOR)),
    SiteTerm("GO:0031225", "anchored component of membrane", _ANCHOR),
    # addresses
    SiteTerm("GO:0005576", "extracellular region", _SIGNAL),
    SiteTerm("GO:0005615", "extracellular space", _SIGNAL),
    SiteTerm("GO:0042597", "periplasmic space", _SIGNAL),
    SiteTerm("GO:0030288", "outer membrane-bounded periplasmic space", _SIGNAL),
    SiteTerm("GO:0030312", "external encapsulating structure", _SIGNAL),
    SiteTerm("GO:0005618", "cell wall", _SIGNAL),
    SiteTerm("GO:0019867", "outer membrane", _SIGNAL),
    SiteTerm("GO:0005739", "mitochondrion", _TO_MITOCHONDRION),
    SiteTerm("GO:0005759", "mitochondrial matrix", _TO_MITOCHONDRION),
    SiteTerm("GO:0005634", "nucleus", (Named("Motif", r".*nuclear localization signal"),)),
    SiteTerm(
        "GO:0005783",
        "endoplasmic reticulum",
        (Named("Motif", r"prevents secretion|di-lysine|endoplasmic reticulum ret"),),
    ),
)
"""By subject."""


@cache
def _pattern(label: str) -> re.Pattern[str]:
    return re.compile(label, re.IGNORECASE)
