"""The environment of one run of the demo: where its parts find each other. Databases of the Valkey: broker, two caches, our own."""

import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext as _

from tasks_demo.settings import SERIALIZER

BROKER_DB, SHOP_DB, PLAIN_DB, OWN_DB = 0, 1, 2, 5
QUEUES = ("default", "emails", "notifications", "reports", "archive")

RESULT_CATALOGUE = {"server_{id}": {"task": "servers_retrieve_info"}}


def demo_environment(state_dir: Path, project_dir: Path) -> dict[str, str]:
    """The variables for every process of the demo; ports are free now and secrets are new each time."""
    valkey_port, endpoint_port = free_ports(2)
    valkey = f"redis://127.0.0.1:{valkey_port}"
    return {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(project_dir),
        "CELERY_SKIP_CHECKS": "1",  # or every worker loads all pages before it starts
        "DATABASE_URL": f"sqlite:///{state_dir / 'lockhouse.sqlite3'}",
        "CELERY_BROKER_URL": f"{valkey}/{BROKER_DB}",
        "LOCKHOUSE_CACHES": json.dumps({"shop": _cache(f"{valkey}/{SHOP_DB}", "shop"), "plain": _cache(f"{valkey}/{PLAIN_DB}", "")}),
        "LOCKHOUSE_REDIS_URL": f"{valkey}/{OWN_DB}",
        "LOCKHOUSE_NAME": "demo-shop",
        "LOCKHOUSE_KIND": "demo",
        "LOCKHOUSE_READ_ONLY": "0",
        "LOCKHOUSE_LOCKS": json.dumps(lock_catalogue()),
        "LOCKHOUSE_RESULTS": json.dumps(RESULT_CATALOGUE),
        "LOCKHOUSE_QUEUES": ",".join(QUEUES),
        "LOCKHOUSE_DEMO": "1",
        "LOCKHOUSE_DEMO_DIR": str(state_dir),
        "LOCKHOUSE_DEMO_ENDPOINT": f"http://127.0.0.1:{endpoint_port}/",
    }


def lock_catalogue() -> Mapping[str, Mapping[str, str]]:
    """Which task takes which lock, and what does not happen while it is held."""
    return {
        "lock_report_{data_id}": {"label": _("massive report"), "owner": "reports_prepare_massive_report", "blocks": _("the report of customer {data_id}")},
        "lock_outlived_{data_id}": {"label": _("long report"), "owner": "reports_outlive_lock", "blocks": _("the long report of customer {data_id}")},
        "lock_refresh_all": {"label": _("refresh of all"), "owner": "reports_refresh_all", "blocks": _("the refresh of all reports")},
        "cart-import:{shop_id}": {"label": _("inventory"), "owner": "inventory_sync", "blocks": _("the inventory of shop {shop_id}")},
    }


def free_ports(count: int) -> list[int]:
    """Ports that the kernel gives out now; another program may still take one before it is used."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _cache(url: str, prefix: str) -> dict[str, object]:
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "KEY_PREFIX": prefix, "OPTIONS": {"SERIALIZER": SERIALIZER}}
