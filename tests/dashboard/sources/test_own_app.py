"""The project's own app: found only where it speaks to the watched broker; its router and its tasks tell their names."""

import pytest
from celery import Celery
from kombu import Queue

from dashboard import connections
from dashboard.exceptions import SourceUnavailable
from dashboard.sources.own_app import names_of, own_app


def send():
    """What a task does."""


@pytest.fixture
def project(watching):
    """An app as a project has it, current in this thread only while the test lasts."""
    before = Celery("before", broker="redis://elsewhere:6379/0", set_as_current=False)
    app = Celery("project", broker=f"{watching}/0")
    yield app
    before.set_current()
    app.close()
    app.set_as_current = False


def test_app_that_speaks_to_the_watched_broker_is_the_project_s(project):
    assert own_app() is project


def test_app_of_another_broker_is_not(project, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": "redis://127.0.0.1:1/0"}
    assert own_app() is None


def test_our_own_app_is_never_taken_for_one(watching):
    connections.ask()
    assert own_app() is None


def test_names_come_from_tasks_and_router_and_globs_are_none(project):
    project.task(name="mail_send", shared=False)(send)
    project.conf.task_routes = ({"mail_send": {"queue": "emails"}, "feed.*": "feeds", "reports_all": "reports"}, lambda *_: None, [("by_pair", Queue("pairs"))])
    names = names_of(project)
    assert names == {"mail_send": "emails", "reports_all": "reports", "by_pair": "pairs"}


def test_task_modules_that_cannot_be_imported_are_a_source_that_is_away(project):
    project.conf.imports = ["no_such_module_anywhere"]
    with pytest.raises(SourceUnavailable, match="cannot be imported: ModuleNotFoundError"):
        names_of(project)
