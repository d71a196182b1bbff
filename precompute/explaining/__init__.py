"""A language model of words explains features and is scored; off unless it is asked for by name."""
