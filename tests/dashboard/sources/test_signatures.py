"""What the tasks of the project's own app take; nothing is known of tasks beside a foreign system."""

from celery import Task, _state

from dashboard.records import Parameter
from dashboard.sources.signatures import registered_names, signature_of
from tests.dashboard.sources.test_own_app import project

__all__ = ["project"]


def registered(project, function, **options):
    """What is known of the task that this function becomes."""
    project.task(name="reports_prepare", shared=False, **options)(function)
    return signature_of("reports_prepare")


def test_each_kind_of_parameter_is_told_with_its_default_and_annotation(project):
    def prepare(number: int, /, data_id: "int", kind: str = "weekly", *rest, copies=2, note, **others): ...

    assert registered(project, prepare).parameters == (
        Parameter(name="number", kind="positional", annotation="int"),
        Parameter(name="data_id", annotation="int"),
        Parameter(name="kind", has_default=True, default='"weekly"', annotation="str"),
        Parameter(name="rest", kind="rest"),
        Parameter(name="copies", kind="keyword", has_default=True, default="2"),
        Parameter(name="note", kind="keyword"),
        Parameter(name="others", kind="keywords"),
    )


def test_self_of_a_bound_task_is_no_parameter(project):
    def prepare(self, data_id): ...

    assert [one.name for one in registered(project, prepare, bind=True).parameters] == ["data_id"]


def test_task_that_is_a_class_takes_what_its_run_takes(project):
    class Prepare(Task):
        name = "reports_prepare"

        def run(self, data_id, seconds=40): ...

    project.register_task(Prepare())

    assert [one.name for one in signature_of("reports_prepare").parameters] == ["data_id", "seconds"]


def test_default_that_is_more_than_plain_is_there_but_not_looked_into(project):
    class Hostile:
        def __repr__(self):
            raise AssertionError("its code ran")

    hostile = Hostile()

    def prepare(when=hostile, text="x" * 1000, nothing=None): ...

    assert [(one.has_default, one.default) for one in registered(project, prepare).parameters] == [(True, None), (True, None), (True, "null")]


def test_annotation_that_exists_for_type_checkers_alone_is_told_as_written(project):
    def prepare(data_id: "OnlyForTypeCheckers"): ...  # type: ignore[name-defined]  # noqa: F821  # as the test says

    assert registered(project, prepare).parameters[0].annotation == "OnlyForTypeCheckers"


def test_function_that_tells_nothing_is_not_known(project):
    class Prepare(Task):
        name = "reports_prepare"
        run = dict  # written in C, without a signature

    project.register_task(Prepare())

    assert signature_of("reports_prepare") is None


def test_names_are_the_project_s_and_not_celery_s_own(project):
    def send(): ...

    project.task(name="mail_send", shared=False)(send)

    assert registered_names() == ["mail_send"]
    assert signature_of("celery.chord") is None
    assert signature_of("no_such_task") is None


def test_beside_a_foreign_system_nothing_is_known_and_no_app_comes_into_being(watching):
    before = _state._get_active_apps()

    assert (registered_names(), signature_of("mail_send")) == ([], None)
    assert _state._get_active_apps() == before
