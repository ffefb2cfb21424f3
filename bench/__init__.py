"""Benchmarks: one command each (`make help`), on scratch data, written into the repository only on request."""
