"""A list of accessions as people keep them: one at the beginning of each line, a table's first column, or FASTA.

Read `read_accessions`.
"""

from pathlib import Path

from precompute.inputs.fasta import accession_of
from precompute.inputs.tsv import rows
from protsae.accessions import parse_accession
from protsae.errors import InputError
from protsae.text_files import open_text

_HEADINGS = frozenset({"entry", "accession", "accessions", "uniprot", "uniprotkb", "uniprot_id", "id"})


def read_accessions(path: Path) -> list[str]:
    """The accessions of a file, each once, in its order; isoforms and versions stand for their entry.

    Raises:
        InputError: the file cannot be read, a line begins with no accession, or there is none.
    """
    found: dict[str, None] = {}
    with open_text(path) as handle:
        lines = [(number, cells[0]) for number, cells in rows(handle)]
    is_fasta = any(text.lstrip().startswith(">") for _, text in lines)
    for place, (number, text) in enumerate(lines):
        words = text.replace(",", " ").replace(";", " ").split()
        if not words or words[0].startswith("#") or (is_fasta and not words[0].startswith(">")):
            continue
        word = accession_of(words[0].removeprefix(">"))
        asked = parse_accession(word)
        if asked is not None:
            found[asked.accession] = None
        elif place or word.lower() not in _HEADINGS:
            raise InputError(
                f"{path} line {number} begins with {word[:40]!r}, which is no UniProt accession (P69905, A0A024R161); "
                "mend or drop the line"
            )
    if not found:
        raise InputError(f"{path} holds no accession; write one UniProt accession a line")
    return list(found)
