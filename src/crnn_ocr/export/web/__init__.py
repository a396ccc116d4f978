"""Writers of what a browser shows: HTML, the annotated picture as SVG, and the report."""
