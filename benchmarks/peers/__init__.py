"""Contains the adapters: one small script per engine, run in the engine's own virtual environment."""
