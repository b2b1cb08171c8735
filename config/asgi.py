"""The ASGI application: pages over HTTP, live panels over WebSocket."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.threads import ThreadKeepingHandler  # noqa: E402  # as below
from dashboard.checks import refuse_unsafe_start  # noqa: E402  # needs the settings
from dashboard.garbage import collect_rarely  # noqa: E402
from dashboard.web.sockets import websocket_application  # noqa: E402  # needs the apps

refuse_unsafe_start()
application = ProtocolTypeRouter({"http": ThreadKeepingHandler(), "websocket": websocket_application})
collect_rarely()
