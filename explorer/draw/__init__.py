"""Numbers and words to pictures, HTML and files; nothing here lays out a page."""
