"""The routes: each takes its input apart, asks one service, and describes its answer."""
