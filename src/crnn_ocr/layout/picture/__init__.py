"""Looks at the ink of a page: type sizes and weights, bullets, rules, and figures."""
