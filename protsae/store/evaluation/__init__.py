"""The numbers of the evaluation: what they are called, and how they are read."""
