"""Writes searchable PDFs: invisible text over the untouched pages of the input."""
