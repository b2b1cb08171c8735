"""The live part of each page by its name, which is also the last part of its socket's path."""

from dashboard.web.panel import Panel
from dashboard.web.panels.flow import FlowPanel
from dashboard.web.panels.lock import LockPanel
from dashboard.web.panels.locks import LocksPanel
from dashboard.web.panels.overview import OverviewPanel
from dashboard.web.panels.queue import QueuePanel
from dashboard.web.panels.queues import QueuesPanel
from dashboard.web.panels.result import ResultPanel
from dashboard.web.panels.results import ResultsPanel
from dashboard.web.panels.run import RunPanel
from dashboard.web.panels.runs import RunsPanel
from dashboard.web.panels.schedules import SchedulesPanel
from dashboard.web.panels.task import TaskPanel
from dashboard.web.panels.tasks import TasksPanel
from dashboard.web.panels.trace import TracePanel
from dashboard.web.panels.worker import WorkerPanel
from dashboard.web.panels.workers import WorkersPanel

OVERVIEW = OverviewPanel()
FLOW = FlowPanel()
LOCKS = LocksPanel()
LOCK = LockPanel()
QUEUES = QueuesPanel()
QUEUE = QueuePanel()
RESULTS = ResultsPanel()
RESULT = ResultPanel()
RUNS = RunsPanel()
RUN = RunPanel()
TRACE = TracePanel()
TASKS = TasksPanel()
TASK = TaskPanel()
SCHEDULES = SchedulesPanel()
WORKERS = WorkersPanel()
WORKER = WorkerPanel()
PANELS: dict[str, Panel] = {
    "results": RESULTS, "result": RESULT, "overview": OVERVIEW, "locks": LOCKS, "lock": LOCK, "queues": QUEUES, "queue": QUEUE,
    "runs": RUNS, "run": RUN, "trace": TRACE, "flow": FLOW, "tasks": TASKS, "task": TASK,
    "workers": WORKERS, "worker": WORKER, "schedules": SCHEDULES,
}  # fmt: skip
