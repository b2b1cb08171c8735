"""What a token says survives its way through Redis, and no bytes at all make the reader raise."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.locking.holder import NO_RUN, Run
from dashboard.locking.token import CUT, MAX_READ_BYTES, MAX_TOKEN_BYTES, read_token, write_process, write_token

PROCESS = write_process(pid=815, parent_pid=801, process_started="100814", boot_id="1d9df9b5-4026531836", host="web-1")
TASK_ID = "d9c26803-4a1c-4f0e-9f43-5c8a1b7e2f10"
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates included
VALID = st.characters(codec="utf-8")


any_speed = settings(deadline=None)  # the machine may be busy with other tests


def round_trip(run):
    return read_token(write_token(run, PROCESS))


def test_token_says_who_takes_the_lock():
    run = Run(TASK_ID, "reports_prepare_massive_report", 2, "celery@web-1")

    claim = round_trip(run)

    assert claim.kind == "lockhouse"
    assert (claim.task_id, claim.task_name, claim.retries) == (TASK_ID, "reports_prepare_massive_report", 2)
    assert (claim.worker, claim.host) == ("celery@web-1", "web-1")
    assert (claim.pid, claim.parent_pid) == (815, 801)
    assert (claim.process_started, claim.boot_id) == ("100814", "1d9df9b5-4026531836")
    assert claim.node == f"{uuid.getnode():012x}"


def test_token_says_when_the_attempt_began():
    before = datetime.now(UTC)

    claim = round_trip(NO_RUN)

    # the uuid's clock may tick a little ahead of the system's when many are made at once
    assert before - timedelta(seconds=1) <= claim.attempted_at <= datetime.now(UTC) + timedelta(seconds=1)


def test_token_is_one_readable_line():
    token = write_token(Run(TASK_ID, "main_send_email", 0, "celery@web-1"), PROCESS).decode()

    attempt, rest = token.removeprefix("lh1:").split(":", 1)

    assert uuid.UUID(attempt).version == 1
    assert rest == (f"id={TASK_ID}:task=main_send_email:retries=0:worker=celery@web-1:pid=815:ppid=801:start=100814:boot=1d9df9b5-4026531836:host=web-1")


def test_two_tokens_of_one_run_differ():
    tokens = {write_token(Run(TASK_ID), PROCESS) for _ in range(1000)}

    assert len(tokens) == 1000


def test_outside_a_run_only_the_process_is_named():
    claim = round_trip(NO_RUN)

    assert (claim.task_id, claim.task_name, claim.retries, claim.worker) == (None, None, None, None)
    assert claim.pid == 815


@any_speed
@given(name=st.text(VALID, max_size=12), worker=st.text(VALID, max_size=9))
def test_any_short_text_comes_back_as_it_was(name, worker):
    claim = round_trip(Run(TASK_ID, name, 0, worker))

    assert (claim.task_name, claim.worker) == (name or None, worker or None)


@any_speed
@given(task_id=ANY_TEXT, name=ANY_TEXT, worker=ANY_TEXT, host=ANY_TEXT, retries=st.integers())
def test_no_text_makes_a_token_too_long_or_unreadable(task_id, name, worker, host, retries):
    process = write_process(pid=2**31, parent_pid=2**31, process_started="9" * 20, boot_id="0" * 24, host=host * 50)

    token = write_token(Run(task_id, name * 50, retries, worker * 50), process)

    assert token.isascii() and len(token) <= MAX_TOKEN_BYTES
    assert read_token(token).pid == 2**31


@any_speed
@given(name=st.text(VALID, min_size=MAX_TOKEN_BYTES))
def test_name_that_does_not_fit_is_cut_between_characters_and_marked(name):
    claim = round_trip(Run(TASK_ID, name, 0, "celery@web-1"))

    assert claim.task_name.endswith(CUT)
    assert name.startswith(claim.task_name.removesuffix(CUT))
    assert (claim.task_id, claim.worker) == (TASK_ID, "celery@web-1")


def test_ids_are_whole_or_absent():
    claim = round_trip(Run("x" * 129, "main_send_email"))

    assert claim.task_id is None
    assert claim.task_name == "main_send_email"


def test_lone_surrogate_becomes_text_that_can_be_shown():
    assert round_trip(Run(task_name="a\ud800b")).task_name == "a\\ud800b"


def test_plain_redis_py_token_says_when_and_on_which_card():
    claim = read_token(b"e0d63fb8e77f11f1be5902fc00000001")

    assert claim.kind == "redis-py"
    assert claim.attempted_at == datetime(2026, 11, 23, 20, 53, 4, 419628, tzinfo=UTC)
    assert claim.node == "02fc00000001"
    assert (claim.task_id, claim.pid, claim.host) == (None, None, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"9b2f6c1de77f41f1be5902fc00000001",  # version 4
        b"9b2f6c1de77f51f1be5902fc00000001",  # version 5
        b"e0d63fb8e77f11f13e5902fc00000001",  # version 1, but of another variant
        b"E0D63FB8E77F11F1BE5902FC00000001",
        b"e0d63fb8-e77f-11f1-be59-02fc00000001",
        b"e0d63fb8e77f11f1be5902fc00000001\n",
        b" e0d63fb8e77f11f1be5902fc00000001",
        b"",
        b"1",
        b"\xff" * 32,
        "é".encode() * 16,
        b"lh1",
        b"lh1:",
        b"lh1:1",
        b"lh1:9b2f6c1de77f41f1be5902fc00000001",
        b"lh9:e0d63fb8e77f11f1be5902fc00000001:pid=1",
        b"lh1:e0d63fb8e77f11f1be5902fc00000001:task=\xff",
        b"lh1:e0d63fb8e77f11f1be5902fc00000001:task=" + b"x" * MAX_READ_BYTES,
        b"lh1:" + b"a" * 2**20,
    ],
)
def test_what_is_no_token_of_a_kind_we_know_is_none(raw):
    assert read_token(raw) is None


def test_time_in_the_far_future_is_read_and_does_not_overflow():
    claim = read_token(b"ffffffffffff1fffbe5902fc00000001")

    assert claim.attempted_at.year == 5236


def test_forged_fields_are_read_as_text_or_left_out():
    fields = b"pid=-1:ppid=9999999999999:retries=%D9%A1:id=:task=%3Cscript%3E%00:worker:start=%ff%fe:host=a=b:junk=1:::"

    claim = read_token(b"lh1:e0d63fb8e77f11f1be5902fc00000001:" + fields)

    assert (claim.pid, claim.parent_pid, claim.retries, claim.task_id, claim.worker) == (None, None, None, None, None)
    assert (claim.task_name, claim.host) == ("<script>\0", "a=b")
    assert claim.process_started == "\N{REPLACEMENT CHARACTER}" * 2


@any_speed
@given(raw=st.binary(max_size=2 * MAX_READ_BYTES))
def test_no_bytes_make_the_reader_raise(raw):
    read_token(raw)
    read_token(b"lh1:" + raw)
    claim = read_token(b"lh1:e0d63fb8e77f11f1be5902fc00000001:" + raw.hex().encode()[:400])
    assert claim.kind == "lockhouse"


@any_speed
@given(fields=st.text("abdehikoprstuw=:%0123456789", max_size=900))
def test_no_fields_make_the_reader_raise(fields):
    claim = read_token(b"lh1:e0d63fb8e77f11f1be5902fc00000001:" + fields.encode())

    assert claim.node == "02fc00000001"
