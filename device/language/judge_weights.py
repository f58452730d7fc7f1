"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = -0.0495
WEIGHTS = {
    "unknown_word_value": -1.2833,
    "coverage": 0.2312,
    "bind": 0.5490,
    "bind_against": 0.6391,
    "superseded": -0.6164,
    "newest": 0.3824,
    "rejected": -1.3039,
    "rejected_word": -0.8365,
    "preferred": 0.3493,
    "speech": -0.0815,
    "speech_against": 0.8917,
    "action": 0.6919,
    "action_against": 0.7588,
    "mention": 0.3709,
    "addressee": -0.1041,
    "addressee_other": 1.4953,
    "ask_support": 0.6626,
    "offer_support": 1.8075,
    "to_whom": 0.1444,
    "neg_agree": 0.3044,
    "neg_add": -1.2727,
    "neg_drop": -0.6656,
    "withdrawn": -0.0826,
    "cohesion": 0.4727,
    "owes": 1.4417,
}
THRESHOLD = 0.4181
