"""Training data: fetched, prepared, sampled, batched."""
