"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = -0.0792
WEIGHTS = {
    "unknown_word_value": -1.2920,
    "coverage": 0.3047,
    "bind": 0.4438,
    "bind_against": 0.8229,
    "superseded": -0.7603,
    "newest": 0.3880,
    "rejected": -1.2596,
    "rejected_word": -0.8760,
    "preferred": 0.3680,
    "speech": -0.0744,
    "speech_against": 0.8931,
    "action": 0.7234,
    "action_against": 0.6935,
    "mention": 0.3792,
    "addressee": -0.0954,
    "addressee_other": 1.4815,
    "ask_support": 0.6572,
    "offer_support": 1.8277,
    "to_whom": 0.1410,
    "neg_agree": 0.2806,
    "neg_add": -1.2875,
    "neg_drop": -0.6247,
    "withdrawn": -0.0951,
    "cohesion": 0.4604,
    "owes": 1.4390,
}
THRESHOLD = 0.4146
