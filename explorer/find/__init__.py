"""What the Find page needs and no other."""
