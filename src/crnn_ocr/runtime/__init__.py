"""The only room that knows ONNX Runtime, and how many cores there are for it."""
