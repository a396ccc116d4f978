"""Writers of the XML formats in which OCR programs exchange pages: hOCR, ALTO, PAGE."""
