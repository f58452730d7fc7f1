"""Words that stand for numbers, weekdays and months: English, and what is mixed into it.

All are folded (lower case, no accents), as `values.fold` leaves them.
"""

from __future__ import annotations

UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
"""By the number that each one says."""
HOURS = UNITS[1:13]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

WORDS: dict[str, float] = {
    **{word: n for n, word in enumerate(UNITS)},
    **{word: 10 * n for n, word in enumerate(TENS, 2)},
    "dozen": 12, "hundred": 100, "thousand": 1000, "lakh": 100_000, "million": 1_000_000,
    "half": 0.5, "quarter": 0.25, "once": 1, "twice": 2, "single": 1, "both": 2, "pair": 2,
    "couple": 2,
}  # fmt: skip
"""English number words, read everywhere."""

# "_" stands for words that English has too ("do", "sept", "once"): they'd be there in any thread.
_COUNTING = (
    "ek _ teen char paanch che saat aath nau das",
    "un deux trois quatre cinq six _ huit neuf dix",
    "uno dos tres cuatro cinco seis siete ocho nueve diez _ doce trece catorce quince",
    "ein zwei drei vier funf sechs sieben acht neun zehn",
)
FOREIGN: dict[str, float] = {
    **{word: n for words in _COUNTING for n, word in enumerate(words.split(), 1)
       if word != "_"},
    "chaar": 4, "panch": 5, "chhe": 6, "chah": 6, "ath": 8, "dus": 10,
    "gyarah": 11, "gyara": 11, "barah": 12, "bara": 12, "baara": 12, "pandrah": 15,
    "pachees": 25, "chalis": 40, "chalees": 40, "pachas": 50, "pachaas": 50,
    "sau": 100, "hazaar": 1000, "hazar": 1000, "aadha": 0.5, "aadhe": 0.5, "adha": 0.5,
    "dedh": 1.5, "dhai": 2.5, "adhai": 2.5, "una": 1, "veinte": 20, "treinta": 30,
    "cuarenta": 40, "cincuenta": 50, "cien": 100, "mil": 1000, "media": 0.5, "medio": 0.5,
}  # fmt: skip
"""Number words of other languages; read in sources only."""

CURRENCIES: dict[str, str] = {
    word: words.split()[0]
    for words in (
        "£ gbp pound pounds quid", "$ usd dollar dollars", "€ eur euro euros",
        "₹ rs inr rupee rupees rupaye", "¥ yen yuan rmb", "₦ naira", "r zar rand rands",
        "aed dirham dirhams", "kr sek nok dkk kronor kroner", "chf francs", "ksh kes shillings",
    )
    for word in words.split()
}  # fmt: skip
"""What is written for a currency -> the currency. "bucks" and "pesos" are many."""


def _numbered(*rows: str, start: int) -> dict[str, int]:
    """Each word with the number of its row."""
    return {word: n for n, row in enumerate(rows, start) for word in row.split()}


ORDINALS = _numbered(
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    start=1,
)  # fmt: skip
WEEKDAYS = _numbered(
    "monday mon lunes lundi montag somvar somwar",
    "tuesday tue tues martes mardi dienstag mangal mangalvar mangalwar",
    "wednesday wed weds miercoles mercredi mittwoch budh budhvar budhwar",
    "thursday thu thur thurs jueves jeudi donnerstag guruvar guruwar brihaspativar",
    "friday fri viernes vendredi freitag shukravar shukrawar shukra",
    "saturday sat sabado samedi samstag shanivar shaniwar shani",
    "sunday sun domingo dimanche sonntag itvaar itwar itwaar ravivar raviwar",
    start=0,
)
"""Monday is 0."""
AMBIGUOUS_DAYS = {"sun", "sat", "mon", "wed"}
"""Weekdays only with a capital letter, in a statement."""

MONTHS = _numbered(
    "january jan enero", "february feb febrero", "march mar marzo", "april apr abril",
    "may mayo", "june jun junio", "july jul julio", "august aug agosto",
    "september sep sept septiembre", "october oct octubre", "november nov noviembre",
    "december dec diciembre",
    start=1,
)  # fmt: skip
"""January is 1."""

MINUTES = {
    "five": 5, "ten": 10, "quarter": 15, "a quarter": 15, "fifteen": 15, "twenty": 20,
    "twenty five": 25, "thirty": 30, "half": 30, "forty five": 45,
}  # fmt: skip
"""Minutes as they are said beside an hour."""
FOREIGN_MINUTES = {
    "saadhe": 30, "saade": 30, "sadhe": 30, "sade": 30, "sawa": 15, "sava": 15, "paune": -15,
    "y media": 30, "y cuarto": 15, "y diez": 10, "menos cuarto": -15, "menos diez": -10,
}  # fmt: skip
"""Minutes after an hour, less than none before it: "paune aath" is 7:45."""
