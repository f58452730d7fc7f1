"""Written by `python -m export.fit_judge`; not by hand."""

BIAS = -0.0684
WEIGHTS = {
    "unknown_word_value": -1.2765,
    "coverage": 0.2685,
    "bind": 0.5530,
    "bind_against": 0.6319,
    "superseded": -0.6158,
    "newest": 0.3831,
    "rejected": -1.3006,
    "rejected_word": -0.8426,
    "preferred": 0.3510,
    "speech": -0.0827,
    "speech_against": 0.9071,
    "action": 0.6989,
    "action_against": 0.7554,
    "mention": 0.3711,
    "addressee": -0.1078,
    "addressee_other": 1.5003,
    "ask_support": 0.6729,
    "offer_support": 1.8059,
    "to_whom": 0.1414,
    "neg_agree": 0.3052,
    "neg_add": -1.2891,
    "neg_drop": -0.6658,
    "withdrawn": -0.0824,
    "cohesion": 0.4606,
    "owes": 1.4444,
}
THRESHOLD = 0.4127
