"""What is measured of SAEs, features and probes, one measure a file, each with its null."""
