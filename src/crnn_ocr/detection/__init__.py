"""Find text: detectors turn a picture into text regions."""
