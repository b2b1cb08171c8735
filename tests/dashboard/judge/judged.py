"""Locks judged by values alone: the policy, workers and claims that most of these tests begin with, and what the judge says."""

from datetime import timedelta

from dashboard.judge import assess
from dashboard.records import CatalogueEntry, Policy
from tests.factories import NOW, ago, make_claim, make_snapshot

POLICY = Policy()
OWNED = Policy(catalogue=(CatalogueEntry(pattern="lock_report_{id}", owner="reports_prepare_massive_report", blocks="reports"),))
SILENT = {
    "last_heard_at": ago(seconds=60),
    "last_event_at": ago(seconds=60),
    "answered_at": ago(seconds=61),
    "asked_at": ago(seconds=1),
    "pool_read_at": ago(seconds=61),
}
PLAIN = make_claim(task_id=None, task_name=None, retries=None, worker=None, pid=None, parent_pid=None, process_started=None, boot_id=None, host=None)
GONE = SILENT | {"connection_known": True, "connection_gone_at": ago(seconds=50)}
ENDED = {"ended_at": ago(seconds=10), "heard_at": ago(seconds=10), "outcome": "SUCCESS"}
HOUR = timedelta(hours=1)


def judge(policy=POLICY, **sections):
    return assess(make_snapshot(**sections), NOW, policy)


def only(policy=OWNED, **sections):
    (judged,) = judge(policy, **sections)
    return judged


def codes(judged):
    return [fact.code for fact in judged.evidence]
