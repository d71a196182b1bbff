"""What the Results page needs: the bundle's measurements as answers to a biologist's questions."""
