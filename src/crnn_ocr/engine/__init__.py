"""The engine: opened documents, page stages, models."""
