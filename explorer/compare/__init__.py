"""What the Compare page needs and no other."""
