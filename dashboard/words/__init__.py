"""Sentences for people: verdicts, evidence, durations, instants. Plain text only; nothing here is ever marked safe for HTML.

Text that the watched system made (names, ids, workers) comes out `visible`: what a screen would hide or turn around is spelled out, a secret in it hidden.
What a run was given is no name: its secrets are hidden by who may see them (`hide_secrets`), and then it is only `spelled_out`.
"""

from dashboard.inert import visible as spelled_out
from dashboard.words.locks import CERTAINTIES, CERTAINTY_WORDS, ENDS, MEANINGS, MOMENTS, VERDICTS
from dashboard.words.sentences import COUNTED, SENTENCES, library, sentence, sentences, source_name, still_searched, verdict
from dashboard.words.text import at_least, clock, duration, instant, short_id, visible

__all__ = [
    "CERTAINTIES", "CERTAINTY_WORDS", "COUNTED", "ENDS", "MEANINGS", "MOMENTS", "SENTENCES", "VERDICTS",
    "at_least", "clock", "duration", "instant", "library", "sentence", "sentences", "short_id", "source_name", "spelled_out", "still_searched",
    "verdict", "visible",
]  # fmt: skip
