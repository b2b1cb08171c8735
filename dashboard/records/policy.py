"""The thresholds of every verdict."""

from dataclasses import dataclass
from datetime import timedelta

from dashboard.records.locks import CatalogueEntry
from dashboard.records.results import ResultEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The thresholds of every verdict; `conf.policy()` fills it from the settings."""

    grace: timedelta = timedelta(seconds=10)  # silence of a worker that counts
    expiring_share: float = 0.2  # of the lock's whole life
    expiring_within: timedelta = timedelta(seconds=60)
    leaving_patience: timedelta = timedelta(minutes=30)
    answer_margin: timedelta = timedelta(seconds=2)  # an answer this much younger than the lock can speak about it
    likely_within: timedelta = timedelta(milliseconds=500)  # a run that started this shortly before the attempt
    lock_patterns: tuple[str, ...] | None = None  # globs of names that may be released as the catalogue's; None: any name
    catalogue: tuple[CatalogueEntry, ...] = ()
    results: tuple[ResultEntry, ...] = ()
