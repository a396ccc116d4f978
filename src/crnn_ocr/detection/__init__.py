"""Where is text? Detectors turn a picture into text regions."""
