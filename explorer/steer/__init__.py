"""What the Steer page needs and no other."""
