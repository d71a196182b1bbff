"""What the Feature page needs and no other."""
