"""A protein that a reader picks, pastes or uploads, and what is known of it."""
