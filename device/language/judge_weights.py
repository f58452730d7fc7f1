"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = -0.0221
WEIGHTS = {
    "unknown_word_value": -1.3811,
    "coverage": 0.1531,
    "bind": 0.5395,
    "bind_against": 0.6828,
    "bind_late": 0.0027,
    "superseded": -0.2963,
    "newest": 0.3279,
    "rejected": -1.3460,
    "rejected_word": -0.7026,
    "preferred": 0.4009,
    "speech": -0.2378,
    "speech_against": 1.1832,
    "action": 0.6744,
    "action_against": 0.7441,
    "mention": 0.3092,
    "addressee": 0.0735,
    "addressee_other": 1.6992,
    "request_mismatch": -0.5805,
    "offer_mismatch": -0.7077,
    "added_negation": -1.3775,
    "dropped_negation": -0.6325,
    "withdrawn": -0.0401,
    "opposite": 0.0000,
    "cohesion": 0.5853,
    "owes": 1.4959,
}
STACK = (0.3144, 0.6493, 0.4774)
"""Bias, weight of the features' evidence, weight of the model's log-odds."""
THRESHOLD = 0.3712
THRESHOLD_STACK = 0.4035
