"""Training pipeline (extra `train`): text → lines → network → ONNX → model pack."""
