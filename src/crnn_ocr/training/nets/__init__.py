"""Networks, their losses and their export."""
