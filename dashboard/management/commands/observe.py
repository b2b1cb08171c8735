"""`manage.py observe`: the process that watches. One leads; start as many as you like, the others stand by."""

import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand

from dashboard.garbage import collect_rarely
from dashboard.observer.process import ObserverProcess


class Command(BaseCommand):
    help = "Watch locks, queues and workers, and keep the pages' snapshot fresh. A second observer stands by until the first is gone."
    requires_system_checks: list[str] = []  # Django's own name for an instance setting

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("dashboard").setLevel(logging.INFO)
        observer = ObserverProcess()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: observer.stop.set())
        collect_rarely()
        observer.run()
