"""Measures accuracy, speed and memory of crnn-ocr beside its peers in the same run."""
