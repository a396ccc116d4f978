"""Wraps ONNX Runtime, and tells it the cores, CPU features and memory that it may use."""
