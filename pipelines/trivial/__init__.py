"""Section 3.1 and Table 2 as an experiment; `python -m pipelines.trivial` runs it."""
