"""Glyphs to lines: faces, atlas, composition."""
