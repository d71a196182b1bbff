"""The features that fire in one protein, for the pages Sequence and Protein: choice, ranking, where to begin."""
