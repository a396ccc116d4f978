"""From bytes to upright pictures that are worth reading: decode, judge, enhance."""
