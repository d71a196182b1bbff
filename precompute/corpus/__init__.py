"""What stages share about a run: its proteins, labels, concepts, trained SAEs and their codes."""
