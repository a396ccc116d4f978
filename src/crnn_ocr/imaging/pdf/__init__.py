"""Draw PDF pages with PDFium, in separate processes, and take the text that they hold."""
