"""What measurements share: pictures with their texts, engines in a row, error rates, tables."""
