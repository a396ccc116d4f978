"""Holds what the stores of jobs share and are made of: pure decisions, encodings, the schema, the script."""
