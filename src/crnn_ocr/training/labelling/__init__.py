"""Labels for pictures that nobody has labelled: what independent recognisers agree on."""
