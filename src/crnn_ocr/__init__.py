"""Image in, text out, on a CPU: Chinese and English OCR as a library, a CLI and a service."""

__version__ = "0.1.0"
