"""Accuracy, speed and memory of crnn-ocr beside its peers, all measured in one run."""
