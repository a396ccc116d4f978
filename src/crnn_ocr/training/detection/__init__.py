"""The detector's network and its training on unlabelled pages."""
