"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = -0.0642
WEIGHTS = {
    "unknown_word_value": -1.3105,
    "coverage": 0.1917,
    "bind": 0.5458,
    "bind_against": 0.6630,
    "bind_late": 0.0276,
    "superseded": -0.3421,
    "newest": 0.3351,
    "rejected": -1.3596,
    "rejected_word": -0.8182,
    "preferred": 0.3680,
    "speech": -0.1188,
    "speech_against": 1.0372,
    "action": 0.7103,
    "action_against": 0.7349,
    "mention": 0.3234,
    "addressee": 0.0185,
    "addressee_other": 1.5662,
    "ask_support": 0.6028,
    "offer_support": 3.2534,
    "to_whom": 0.1091,
    "neg_agree": 0.3002,
    "neg_add": -1.3166,
    "neg_drop": -0.6795,
    "withdrawn": -0.0521,
    "opposite": 0.0000,
    "cohesion": 0.5376,
    "owes": 1.5696,
}
THRESHOLD = 0.4333
