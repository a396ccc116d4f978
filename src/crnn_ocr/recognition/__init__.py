"""What does a line say? Recognisers turn line pictures into text."""
