"""What Lockhouse keeps in Django's database: acts of operators, API tokens, and the history of runs and of locks."""

from dashboard.models.acts import TRASHED_FOR, UNDO_WITHIN, UNDOABLE, Access, ApiToken, OperatorAct
from dashboard.models.history import HistoryEpoch, HistoryGap, HistoryName, RunMinute, TaskRun
from dashboard.models.locks import LockEvent

__all__ = [
    "TRASHED_FOR", "UNDOABLE", "UNDO_WITHIN", "Access", "ApiToken", "HistoryEpoch", "HistoryGap", "HistoryName", "LockEvent", "OperatorAct", "RunMinute",
    "TaskRun",
]  # fmt: skip
