"""What the page Themes needs and no other."""
