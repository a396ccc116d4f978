"""Draw PDF pages with PDFium, in separate processes."""
