"""Who the protein is: names, organism, family, what its split means for evidence, and where else it is described.

Read `show`.
"""

from collections.abc import Sequence

import streamlit as st

from explorer.draw import corpus, downloads, markup, outward, words
from explorer.firing.lists import save
from explorer.services import data, proteins
from explorer.shell import frame, links
from protsae.store.rows import ProteinHit, ProteinRow

MOST_RELATIVES = 4
SPLITS = {
    "train": "trained the autoencoders: what fires here is no evidence that a feature holds up",
    "valid": "helped to choose features and thresholds, but trained no autoencoder",
    "test": "held out: what fires here was foreseen by nothing",
}
"""What a split means for a protein's evidence."""


def show(protein: ProteinRow) -> None:
    """Headline, lead, facts."""
    name = protein.protein_name or protein.accession
    parts = [protein.entry_name, protein.gene_names.split(" ")[0], words.species(protein.organism)]
    told = " · ".join(part for part in parts if part and part != protein.accession)
    frame.headline(
        words.capitalised(name),
        "What does the model see in this protein? All features that fire on its "
        f"{words.count(protein.length, 'residue')}, and its function as it is known and as it is called.",
        eyebrow=f"<b>{markup.escape(protein.accession)}</b>{markup.escape(f' · {told}' if told else '')}",
        tab=(name, protein.accession, "Protein"),
    )
    structure = data.structure(protein.accession) if protein.has_structure else None
    found = outward.of_protein(protein.accession, structure.pdb_id if structure is not None else "")
    found += outward.of_sequence(protein.sequence)
    about_split = f"{protein.split} split: {SPLITS.get(protein.split, '')}"
    facts = [about_split, corpus.organism_note(protein.organism, data.corpus())]
    st.html(
        markup.wrap(
            f'<div class="ps-small ps-soft">{markup.escape(protein.accession)} elsewhere: {outward.html(found)}</div>',
            *(markup.paragraph(words.capitalised(fact), "ps-small ps-soft") for fact in facts if fact),
        )
    )
    family(protein, [hit for hit in proteins.family(protein.cluster) if hit.accession != protein.accession])


def family(protein: ProteinRow, relatives: Sequence[ProteinHit]) -> None:
    """Shipped relatives of its homology cluster, and its sequence as a file."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if relatives:
            n = len(relatives)
            st.caption(f"Same homology cluster: {words.count(n, 'more protein')} here,", width="content")
            for hit in relatives[:MOST_RELATIVES]:
                frame.link(links.protein(hit.accession), words.protein_name(hit.accession, hit.protein_name, limit=36))
        else:
            st.caption("Alone in its homology cluster here.", width="content")
        name = f"{protein.accession} {protein.protein_name} OS={protein.organism}".strip()
        save("FASTA", downloads.fasta(name, protein.sequence), f"{downloads.file_name(protein.accession)}.fasta")
