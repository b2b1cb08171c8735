"""Pure conclusions from a snapshot: who holds a lock, is it stale, what needs attention. No I/O, no clock."""

from dashboard.judge.attention import concerns
from dashboard.judge.verdicts import assess

__all__ = ["assess", "concerns"]
