"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = 0.0
WEIGHTS: dict[str, float] = {}
STACK = (0.0, 1.0, 1.0)
THRESHOLD = 0.5
THRESHOLD_STACK = 0.5
