"""Texts for training lines: corpora and generators."""
