"""From a checkpoint to a measured, calibrated model pack."""
