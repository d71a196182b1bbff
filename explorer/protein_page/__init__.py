"""What the Protein page needs and no other."""
