"""Tells the blocks of a page apart: headings, paragraphs, lists, captions, figures, headers and footers."""
