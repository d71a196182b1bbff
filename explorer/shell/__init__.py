"""What every page shares: frame, links, widgets that follow the address, cards."""
