"""python-socketio against a running server: by polling alone, by WebSocket
alone, and with the upgrade. Usage: clients.py URL"""

import sys
import threading

import socketio

DEADLINE_S = 30
MESSAGES = 1_000
WHITE = bytes.fromhex(
    "47494638376101000100800100ffffff0000002c00000000010001000002024401003b"
)
WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}


class Client:
    """A client that remembers what it heard."""

    def __init__(self, url: str, transports: list[str] | None) -> None:
        self.heard: list[tuple[str, object]] = []
        self.changed = threading.Condition()
        self.socket = socketio.Client()
        self.socket.on("*", self._hear)
        self.socket.connect(url, transports=transports, wait_timeout=DEADLINE_S)

    def _hear(self, event: str, value: object) -> None:
        with self.changed:
            self.heard.append((event, value))
            self.changed.notify_all()

    def values(self, event: str, count: int) -> list[object]:
        """The first `count` values of an event, once they are there; they are forgotten."""

        def found() -> list[tuple[str, object]]:
            return [heard for heard in self.heard if heard[0] == event][:count]

        with self.changed:
            came = self.changed.wait_for(lambda: len(found()) == count, DEADLINE_S)
            assert came, f"{event}: {len(found())} of {count} came"
            values = found()
            for heard in values:
                self.heard.remove(heard)
            return [value for _, value in values]


def check(way: str, url: str) -> None:
    """All that a client does, in one way to connect."""
    ada, silent = Client(url, WAYS[way]), Client(url, WAYS[way])
    for client in (ada, silent):
        client.values("messages", 1)
    expected_transport = "polling" if way == "polling" else "websocket"
    assert ada.socket.transport() == expected_transport, ada.socket.transport()

    ada.socket.emit("message", {"a": [1, "<"]})
    assert ada.values("response", 1) == [{"data": 'Server received: {"a":[1,"&lt;"]}'}]
    assert ada.values("my response", 1) == [{"a": [1, "<"]}]
    ada.socket.emit("receive_msg", {"user_name": "ada", "message": "<i>"})
    assert ada.values("the_response", 1) == [{"user_name": "ada", "message": "&lt;i&gt;"}]
    assert len(silent.values("the_response", 2)) == 2
    silent.values("messages", 2)

    assert ada.socket.call("image", WHITE, timeout=DEADLINE_S)[13:16] == bytes(3)
    assert ada.values("image", 1)[0][13:16] == bytes(3)
    refused = ada.socket.call("nonsense", 1, timeout=DEADLINE_S)
    assert refused["code"] == "unknown_type" and ada.values("refused", 1) == [refused]
    joined = ada.socket.call("join", {"username": "ada", "room": "den"}, timeout=DEADLINE_S)
    assert joined["room"] == "den" and joined["name"] == "ada"

    for number in range(MESSAGES):
        ada.socket.emit("newMessage", {"name": "ada", "text": str(number)})
    expected = [[{"name": "ada", "text": str(number)}] for number in range(MESSAGES)]
    assert ada.values("messages", MESSAGES) == expected
    assert silent.values("messages", MESSAGES) == expected
    for client in (ada, silent):
        client.socket.disconnect()
    print(f"python-socketio, {way}: ok")


if __name__ == "__main__":
    for each in WAYS:
        check(each, sys.argv[1])
