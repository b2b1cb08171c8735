"""What Lockhouse keeps in Django's database: acts of operators, API tokens, and the history of runs."""

from dashboard.models.acts import TRASHED_FOR, UNDO_WITHIN, UNDOABLE, Access, ApiToken, OperatorAct
from dashboard.models.history import HistoryEpoch, HistoryGap, HistoryName, RunMinute, TaskRun

__all__ = ["TRASHED_FOR", "UNDOABLE", "UNDO_WITHIN", "Access", "ApiToken", "HistoryEpoch", "HistoryGap", "HistoryName", "OperatorAct", "RunMinute", "TaskRun"]
