"""Every task by a real prefork worker."""

import json
import re

from tests.system import wait_for
from tests.tasks_demo.conftest import Shop


def test_email_is_written_by_the_worker_of_its_queue(shop: Shop):
    task_id = shop.send("main_send_email", "reader@shop.example", "newsletter", queue="emails")

    assert shop.outcome(task_id, "worker-a") == "succeeded: 'sent the newsletter to reader@shop.example'"
    (email,) = (shop.state_dir / "emails").iterdir()
    assert "To: reader@shop.example" in email.read_text()


def test_notification_reaches_the_messenger(shop: Shop):
    task_id = shop.send("telegram_notify_user_by_id", 42, queue="notifications")

    assert shop.outcome(task_id, "worker-a") == "succeeded: 'notified user 42'"
    assert "user 42" in (shop.state_dir / "messenger.txt").read_text()


def test_server_is_in_the_cache_for_five_minutes_after_retries_of_the_failing_endpoint(shop: Shop):
    task_ids = [shop.send("servers_retrieve_info", number, queue="default") for number in (4, 5, 6)]

    outcomes = [shop.outcome(task_id, "worker-a") for task_id in task_ids]

    assert outcomes == [f"succeeded: 'retrieved server {number}'" for number in (4, 5, 6)]
    assert all(250_000 < shop.shop.pttl(f"shop:1:server_{number}") <= 300_000 for number in (5, 6))
    assert len(re.findall(r"servers_retrieve_info\[.*\] retry: Retry in 1s", shop.said("worker-a"))) == 1


def test_second_run_for_the_same_customer_is_refused_quietly(shop: Shop):
    first = shop.send("reports_prepare_massive_report", 101, 12, queue="reports")
    wait_for(lambda: shop.shop.exists("shop:1:lock_report_101"), said="the first run holds the lock")

    second = shop.send("reports_prepare_massive_report", 101, 12, queue="reports")

    assert shop.outcome(second, "worker-b") == "succeeded: 'refused: another run prepares report 101'"
    assert 1_190_000 < shop.shop.pttl("shop:1:lock_report_101") <= 1_200_000
    assert shop.outcome(first, "worker-b") == "succeeded: 'prepared report 101 in 12 s'"
    assert not shop.shop.exists("shop:1:lock_report_101")
    assert "Traceback" not in shop.said("worker-b")


def test_runs_for_two_customers_do_not_hinder_each_other(shop: Shop):
    task_ids = [shop.send("reports_prepare_massive_report", data_id, 0.5, queue="reports") for data_id in (111, 112)]

    outcomes = [shop.outcome(task_id, "worker-b") for task_id in task_ids]

    assert outcomes == ["succeeded: 'prepared report 111 in 0.5 s'", "succeeded: 'prepared report 112 in 0.5 s'"]


def test_token_of_the_holder_names_run_and_worker(shop: Shop):
    task_id = shop.send("reports_prepare_massive_report", 121, 6, queue="reports")

    wait_for(lambda: shop.shop.exists("shop:1:lock_report_121"), said="the lock is held")
    token = str(shop.shop.get("shop:1:lock_report_121"))

    assert f":id={task_id}:" in token
    assert ":worker=worker-b@" in token


def test_every_third_refresh_outlasts_its_interval_and_the_next_is_refused(shop: Shop):
    shop.shop.set("shop:1:refresh_all_number", 2)  # as django-redis keeps numbers; the next refresh is the third

    shop.send("reports_refresh_all", queue="reports")
    wait_for(lambda: shop.shop.exists("shop:1:lock_refresh_all"), said="the refresh holds the lock")
    next_run = shop.send("reports_refresh_all", queue="reports")

    assert shop.outcome(next_run, "worker-b") == "succeeded: 'refused: the refresh before is still at work'"
    assert shop.shop.get("shop:1:refresh_all_number") == b"3"
    assert shop.shop.exists("shop:1:lock_refresh_all")


def test_run_that_outlives_its_lock_says_so_and_does_not_fail(shop: Shop):
    task_id = shop.send("reports_outlive_lock", 131, 1.5, 0.5, queue="reports")

    assert shop.outcome(task_id, "worker-b") == "succeeded: 'prepared report 131, the last part of it without a lock'"


def test_holder_that_dies_leaves_its_lock_and_the_next_run_is_refused(shop: Shop):
    shop.send("reports_die_holding_lock", 141, 0, queue="reports")
    wait_for(lambda: "WorkerLostError" in shop.said("worker-b"), said="the process of the run is lost")

    after = shop.send("reports_prepare_massive_report", 141, 0, queue="reports")

    assert shop.outcome(after, "worker-b") == "succeeded: 'refused: another run prepares report 141'"
    assert shop.shop.pttl("shop:1:lock_report_141") > 1_100_000


def test_archive_is_read_by_nobody(shop: Shop):
    shop.send("archive_compact", "2026-10", queue="archive")
    after = shop.send("reports_prepare_massive_report", 151, 0, queue="reports")

    shop.outcome(after, "worker-b")

    (message,) = shop.broker.lrange("archive", 0, -1)
    assert json.loads(message)["headers"]["task"] == "archive_compact"


def test_inventory_holds_a_plain_lock_under_a_name_of_its_own(shop: Shop):
    task_id = shop.send("inventory_sync", 3, 6, queue="default")

    wait_for(lambda: shop.plain.exists(":1:cart-import:3"), said="the lock is held")
    token = str(shop.plain.get(":1:cart-import:3"))

    assert re.fullmatch(r"b'[0-9a-f]{32}'", token)
    assert shop.outcome(task_id, "worker-a") == "succeeded: 'copied the inventory of shop 3'"
