"""One lock's page: everything known about it, while it is held and for as long as the observer remembers it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge import one_lock
from dashboard.judge.verdicts import REPORTS_REFUSALS
from dashboard.records import JudgedLock, Lane, Snapshot
from dashboard.web import redis_cli
from dashboard.web.incident import of_lock
from dashboard.web.instants import instant_of, iso
from dashboard.web.links import acts_url, run_url, worker_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels import lock_attempts
from dashboard.web.panels.candidates import candidates
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.lanes import axis, is_last_by_hand, lane_piece
from dashboard.web.panels.lock_acts import changes
from dashboard.web.panels.lock_row import LockRow, lock_row, steady
from dashboard.web.timeline import anchor_of
from dashboard.web.timeline_words import how_it_ended
from dashboard.words import duration, library, sentences, short_id, visible


class LockPanel:
    """The live part of one lock's page; its query has the lock's `id`."""

    permission = "lockhouse.view_locks"
    name = "lock"
    template = "lockhouse/live/lock.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"axis": axis(), "locks_url": reverse("lockhouse:locks"), "history_url": reverse("lockhouse:lock-history", args=[query.get("id") or "-"])}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, facts, evidence, lane, refusals, and how to see it for oneself; a lock that is gone keeps what is remembered."""
        seen, lock_id = look(snapshot, now), query.get("id", "")
        judged = one_lock.of_lock(seen.judged, lock_id)
        lane = next((lane for lane in snapshot.lanes if lane.lock_id == lock_id), None)
        name = name_of(snapshot, lock_id)
        rows = [lock_row(one, seen, may, exact=True) for one in judged]
        lines, why_none = _proof(seen, judged, may)
        return [
            *frame(seen, self.name, visible(name or _("Lock")), may),
            piece(
                "lock-head",
                "panels/lock_head.html",
                name=visible(name or ""),
                row=rows[0] if rows else None,
                changes=list(_offers(judged, may)),
                ended=_ended(lane, seen),
                acts_url=acts_url(lock_id, may) if lane and is_last_by_hand(lane) else "",
                is_current=seen.is_current,
                copy=of_lock(rows[0], sentences(steady(judged[0].evidence), now)) if rows else "",
            ),
            piece(
                "lock-facts",
                "panels/lock_facts.html",
                locks=[_facts(one, row, seen) | {"part": _part(one) if len(judged) > 1 else ""} for one, row in zip(judged, rows, strict=True)],
                cache=visible(lane.cache) if lane and not rows else "",
            ),
            piece("lock-evidence", "panels/lock_evidence.html", rows=rows, acts_url=acts_url(lock_id, may) if _is_of_hands(lane, judged) else ""),
            *([lane_piece(lane, judged, seen, "lock-lanes", may)] if lane else []),
            piece("lock-axis", "panels/axis_now.html", now_text=instant_of(anchor_of(now), now), anchor=iso(anchor_of(now))),
            piece("lock-waiting", "panels/lock_waiting.html", **lock_attempts.waiting(seen, lock_id)),
            piece(
                "lock-refusals",
                "panels/lock_refusals.html",
                **lock_attempts.refusals(seen, lock_id, is_told=_are_refusals_told(rows, lane, are_events_told=seen.snapshot.flow.since is not None)),
            ),
            piece("lock-proof", "panels/lock_proof.html", lines=lines, why_none=why_none),
        ]


def name_of(snapshot: Snapshot, lock_id: str) -> str | None:
    """The name of a lock that is held or was in the last two minutes; None for one that nobody knows."""
    return next((name for identity, name in _known(snapshot) if identity == lock_id), None)


def ids_known(snapshot: Snapshot) -> set[str]:
    """The ids of all locks that have a page now."""
    return {identity for identity, _name in _known(snapshot)}


def _known(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    yield from ((lock.id, lock.name) for lock in snapshot.locks)
    yield from ((lane.lock_id, lane.name) for lane in snapshot.lanes)


def _are_refusals_told(rows: Sequence[LockRow], lane: Lane | None, *, are_events_told: bool) -> bool:
    """Whether they would be known: the one that holds it is of a cache that reports them, or the last that did was."""
    if rows:
        return any(row.refused is not None for row in rows)
    return are_events_told and lane is not None and bool(lane.spans) and lane.spans[-1].dialect in REPORTS_REFUSALS


def _ended(lane: Lane | None, seen: Look) -> dict[str, object] | None:
    """How the last token that held this name came to its end, whether or not its run went on without it."""
    ended = [(span, span.lapsed_at or span.to_at) for span in lane.spans if span.to_at is not None] if lane else []
    if not ended:
        return None
    span, at = ended[-1]
    return {"at": instant_of(at, seen.now), "how": how_it_ended(span)}


def _is_of_hands(lane: Lane | None, judged: Sequence[JudgedLock]) -> bool:
    """Whether an operator released it of late, whoever holds it now."""
    return any(one.lock.released_by for one in judged) or any(span.end == "by-hand" for span in (lane.spans if lane else ()))


def _offers(judged: Sequence[JudgedLock], may: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Acts by word and address; where one word is offered for several runs, each says for which."""
    offered = [(one, word, url) for one in judged for word, url in changes(one, may)]
    words = Counter(word for _one, word, _url in offered)
    for one, word, url in offered:
        of_run = f" {short_id(one.holder.task_id)}" if words[word] > 1 and one.holder.task_id else ""
        yield f"{word.removesuffix('…')}{of_run}…" if of_run else word, url


def _part(one: JudgedLock) -> str:
    """What it has to do with the lock, where several runs have."""
    return _("Holds it now") if one.lock.lapsed_at is None else _("Goes on without it")


def _facts(one: JudgedLock, row: LockRow, seen: Look) -> dict[str, object]:
    lock, holder, claim = one.lock, one.holder, one.lock.claim
    return {
        "row": row,
        "about": row.about,
        "about_url": row.about_url,
        "key": visible(lock.key),
        "library": library(lock.dialect),
        "digest": visible(lock.token_digest),
        "timeout": duration(lock.timeout) if lock.timeout else "",
        "attempted": instant_of(claim.attempted_at, seen.now) if claim and claim.attempted_at else None,
        "card": _card(claim.node) if claim and claim.node else "",
        "first_seen": instant_of(lock.first_seen_at, seen.now),
        "task_id": visible(holder.task_id or ""),
        "run_url": run_url(holder.task_id) if holder.task_id else "",
        "worker": visible(holder.worker or ""),
        "worker_url": worker_url(holder.worker) if holder.worker else "",
        "host": visible(holder.host or (claim.host if claim else "") or ""),
        "candidates": candidates(holder),
        "candidates_beyond": (holder.candidates or 0) - len(holder.candidate_runs),
        "retries": claim.retries if claim else None,
        "note": visible(lock.note),
    }


def _card(node: str) -> str:
    """A uuid1's node as cards are written; one with the multicast bit was made up, for no card has it (RFC 9562, 6.10)."""
    pairs = [node[place : place + 2] for place in range(0, len(node), 2)]
    return _("made up: that process found none") if int(pairs[0], 16) & 1 else ":".join(pairs)


def _proof(seen: Look, judged: Sequence[JudgedLock], may: frozenset[str]) -> tuple[list[str], str]:
    if not judged:
        return [], ""
    lock = judged[0].lock
    names = {"broker", "cache broker"} if lock.cache == "broker" else {f"cache {lock.cache}"}
    url = next((source.url for source in seen.snapshot.sources if source.name in names), None)
    return redis_cli.of_key(url, lock.raw_key, may)
