"""Flask-SocketIO as its documentation shows it: a message to everybody."""

import logging
import socket
import sys

from flask import Flask
from flask_socketio import SocketIO, send

port = int(sys.argv[1])
if port == 0:
    # It does not tell which port the system chose.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
# Handlers in threads of their own would swap messages of one sender.
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Flask(__name__)
relay = SocketIO(app, async_mode="threading", async_handlers=False, ping_interval=60, ping_timeout=60)


@relay.on("message")
def hear(message):
    send(message, broadcast=True)


print(f"http://127.0.0.1:{port}", flush=True)
relay.run(app, host="127.0.0.1", port=port, allow_unsafe_werkzeug=True)
