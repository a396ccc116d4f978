"""Implements `crnn-ocr watch`, which converts every new file of a folder once."""
