"""The ASGI application: pages over HTTP, live panels over WebSocket."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from dashboard.checks import refuse_unsafe_start  # noqa: E402  # needs the settings
from dashboard.garbage import collect_rarely  # noqa: E402
from dashboard.web.sockets import websocket_application  # noqa: E402  # needs the apps

refuse_unsafe_start()
application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})
collect_rarely()
