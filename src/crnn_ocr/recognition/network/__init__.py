"""The network of a recogniser: input sizes, CTC decoding, confidences."""
