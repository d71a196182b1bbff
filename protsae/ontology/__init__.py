"""The Gene Ontology: its graph and its logical axioms. Read `graph.py` first."""
