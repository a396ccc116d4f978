"""Decode pictures of all raster formats, mostly through Pillow."""
