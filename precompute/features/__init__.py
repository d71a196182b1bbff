"""What single features do over the corpus: counts, examples, quality, confounds."""
