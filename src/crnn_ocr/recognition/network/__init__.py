"""Run a recogniser's network: input sizes, CTC decoding, confidences."""
