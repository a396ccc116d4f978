"""PDF pages as pictures, through PDFium in processes of their own."""
