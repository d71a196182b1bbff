"""Trainings of a run: what an SAE is made of and learns from, the trainings, and the same again from other seeds."""
