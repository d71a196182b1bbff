"""Parsers of what users bring: UniProtKB TSV, FASTA, GAF, ligand contacts, folders of structures.

Each yields named tuples with residues counted from 0, and refuses what it cannot read with one sentence.
"""
