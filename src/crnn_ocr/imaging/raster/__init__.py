"""Pictures of all raster formats, through Pillow."""
