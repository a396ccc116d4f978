"""Compare readings with the ink on the picture, and correct them."""
