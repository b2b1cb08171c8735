"""The live part of each page by its name, which is also the last part of its socket's path."""

from dashboard.web.panel import Panel
from dashboard.web.panels.lock import LockPanel
from dashboard.web.panels.locks import LocksPanel
from dashboard.web.panels.overview import OverviewPanel

OVERVIEW = OverviewPanel()
LOCKS = LocksPanel()
LOCK = LockPanel()
PANELS: dict[str, Panel] = {"overview": OVERVIEW, "locks": LOCKS, "lock": LOCK}
