"""Reads the grid of a table with a network that writes it as a sequence of tokens (SLANet-plus)."""
