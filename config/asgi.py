"""The ASGI application: pages over HTTP, live panels over WebSocket."""

import gc
import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from dashboard.checks import refuse_unsafe_start  # noqa: E402  # needs the settings
from dashboard.web.sockets import websocket_application  # noqa: E402  # needs the apps

refuse_unsafe_start()
application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})

# With 500 sockets open a full collection held every page up for 250 to 370 ms; what was loaded until here stays, and what a push leaves goes by itself.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 10, 1_000)
