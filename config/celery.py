"""The Celery app of the demo: what `send_task` uses in web processes, and what `celery -A config` runs.

Watching another system does not need it: Lockhouse then speaks to that system's workers through `dashboard.connections` alone.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Being current is a property of one thread in Celery: without this line `current_app` in every other thread, those of an ASGI
# server among them, is a new app for amqp://localhost.
app.set_default()
app.autodiscover_tasks(lambda: ["tasks_demo"] if settings.DEMO else [])
