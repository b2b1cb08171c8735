"""The frozen values that every layer speaks; no I/O, no clock, no Django.

Instants are aware UTC datetimes, durations are timedeltas, and `None` always means "not known" unless a comment says more.
"""

from dashboard.records.counts import Counts, Spread, TaskCount
from dashboard.records.flow import FLOW_WINDOW, Column, FlowEdge, FlowLine, FlowMove, FlowNode, FlowPicture, FlowReading, LineState, Way
from dashboard.records.judged import Candidate, Certainty, Concern, Evidence, Holder, JudgedLock, JudgedQueue, Word
from dashboard.records.locks import CatalogueEntry, Claim, HeldLock, Lane, LockMoment, Loss, Proved, Refusal, Span, TakenBy, Wait, digest_of_id, object_part
from dashboard.records.policy import Policy
from dashboard.records.queues import Message, QueueHead, QueuePeek, QueueReading, UnackedMessage
from dashboard.records.results import CachedResult, ResultCount, ResultEntry
from dashboard.records.runs import RUN_KEPT, SENT_KEPT, Run
from dashboard.records.schedules import ScheduleReading, Sender
from dashboard.records.sending import Check, Parameter, ParameterKind, Sending, Signature, Traced, Transport
from dashboard.records.servers import Mishap, Server
from dashboard.records.snapshot import Snapshot
from dashboard.records.sources import Absence, EventGap, Figures, Observer, Search, SourceState
from dashboard.records.tasks import Minute, RememberedRun, TaskReading
from dashboard.records.workers import Worker

__all__ = [
    "FLOW_WINDOW",
    "RUN_KEPT",
    "SENT_KEPT",
    "Absence",
    "CachedResult",
    "Candidate",
    "CatalogueEntry",
    "Certainty",
    "Check",
    "Claim",
    "Column",
    "Concern",
    "Counts",
    "EventGap",
    "Evidence",
    "Figures",
    "FlowEdge",
    "FlowLine",
    "FlowMove",
    "FlowNode",
    "FlowPicture",
    "FlowReading",
    "HeldLock",
    "Holder",
    "JudgedLock",
    "JudgedQueue",
    "Lane",
    "LineState",
    "LockMoment",
    "Loss",
    "Message",
    "Minute",
    "Mishap",
    "Observer",
    "Parameter",
    "ParameterKind",
    "Policy",
    "Proved",
    "QueueHead",
    "QueuePeek",
    "QueueReading",
    "Refusal",
    "RememberedRun",
    "ResultCount",
    "ResultEntry",
    "Run",
    "ScheduleReading",
    "Search",
    "Sender",
    "Sending",
    "Server",
    "Signature",
    "Snapshot",
    "SourceState",
    "Span",
    "Spread",
    "TakenBy",
    "TaskCount",
    "TaskReading",
    "Traced",
    "Transport",
    "UnackedMessage",
    "Wait",
    "Way",
    "Word",
    "Worker",
    "digest_of_id",
    "object_part",
]
