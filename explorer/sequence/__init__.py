"""What the Sequence page needs and no other."""
