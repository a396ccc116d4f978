"""Writers over a Document: pure functions from data to text."""
