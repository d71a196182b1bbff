"""Pieces that the explorer draws itself: the protein viewer and its still images."""
