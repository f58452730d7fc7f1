"""One card on a small screen."""
