"""The bars of one lock's lane: how each ended, and what is learnt of an end later."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.observer.observations import ReleasedByHand
from dashboard.records import HeldLock, Span

NOTICED = timedelta(seconds=2)  # an expired lock that is dropped this soon was not outlived: its run was over
TOLD = timedelta(seconds=6)  # one released by hand: the act is read a second or two later
Spans = deque[Span]


def end(spans: Spans, at: datetime, how: str) -> None:
    """The lock that is held is no more."""
    if spans and spans[-1].to_at is None:
        spans[-1] = replace(spans[-1], to_at=at, end=how)


def lapse(spans: Spans, lapsed_at: datetime | None, how: str) -> None:
    """It left its holder, whose run may go on."""
    if spans and spans[-1].to_at is None:
        spans[-1] = replace(spans[-1], lapsed_at=lapsed_at, end=how)


def end_lapsed(spans: Spans, token_digest: str, now: datetime) -> None:
    """The run that went on without it has ended, it is not known when."""

    def ended(span: Span) -> Span:
        if span.lapsed_at is None:
            return span
        never_overran = now - span.lapsed_at < (NOTICED if span.by is None else TOLD)
        return replace(span, to_at=span.lapsed_at if never_overran else now, lapsed_at=None if never_overran else span.lapsed_at)

    _each(spans, token_digest, lambda span: ended(span) if span.to_at is None else span)


def went_on_until(spans: Spans, token_digest: str, until: datetime) -> None:
    """The run that went on without it ended then; one that was over before went on for no time."""

    def ended(span: Span) -> Span:
        if span.to_at is not None or span.lapsed_at is None:
            return span
        return replace(span, to_at=max(until, span.lapsed_at), lapsed_at=span.lapsed_at if until > span.lapsed_at else None)

    _each(spans, token_digest, ended)


def judged(spans: Spans, lock: HeldLock, *, is_unknown: bool) -> None:
    """What was found out of who holds it now, for when it is held no more: until then the judge is asked again."""
    died_at = lock.proved.since or lock.proved.at if lock.proved is not None else None
    if died_at is not None and lock.lapsed_at is not None and died_at > lock.lapsed_at:
        died_at = None  # it had left that run before, which went on without it until then

    def known(span: Span) -> Span:
        was_known = span.is_unknown is False  # it stays so: what is not known for a moment hides nothing that was
        return replace(span, died_at=died_at, is_unknown=is_unknown and not was_known) if span.to_at is None else span

    _each(spans, lock.token_digest, known)


def put_back(spans: Spans, token_digest: str, at: datetime) -> None:
    """Its run goes on without it no more."""
    _each(spans, token_digest, lambda span: replace(span, to_at=at) if span.to_at is None else span)


def removed(spans: Spans, token_digest: str) -> None:
    """Another than its holder removed it before its time."""
    _each(spans, token_digest, lambda span: replace(span, end="removed") if span.end == "released" else span)


def by_hand(spans: Spans, lock: HeldLock, hand: ReleasedByHand, *, is_back: bool) -> None:
    """An operator released it; `is_back`: and it was put back."""
    for index, span in enumerate(spans):
        if span.token_digest == lock.token_digest and span.end not in {None, "by-hand"}:
            until, lapsed_at = (span.to_at, span.lapsed_at) if is_back else (None, hand.at)
            spans[index] = replace(span, to_at=until, end="by-hand", by=hand.by, lapsed_at=lapsed_at)
            return


def _each(spans: Spans, token_digest: str, change: Callable[[Span], Span]) -> None:
    for index, span in enumerate(spans):
        if span.token_digest == token_digest:
            spans[index] = change(span)
