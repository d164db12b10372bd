"""People at the review page without browsers: each speaks Streamlit's protocol over a socket of their own, at a human pace."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from review_setting import message_for
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

COMPONENT = "bidi_component"


@dataclass
class SocketPerson:
    """One session of the server, as a browser has one."""

    url: str
    name: str
    pause: float
    waited: list[float] = field(default_factory=list)
    """Seconds from a decision sent until the server's run for it was over."""
    bytes: list[int] = field(default_factory=list)
    """What the server sent for one decision."""
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        address = self.url.replace("http", "ws") + "/_stcore/stream"
        self._socket: ClientConnection = connect(address, subprotocols=["streamlit"], max_size=None, origin=self.url)
        self._element: Any = None
        self._fragment = self._page = ""
        self._draw = random.Random(self.name)
        self._ask(BackMsg(), "")

    @property
    def shown(self) -> str:
        """What the server said last, as JSON."""
        return str(self._element.json)

    def review(self, stop: threading.Event) -> None:
        """Decide until told to stop."""
        while not stop.wait(self._draw.uniform(0.4, 1.6) * self.pause):
            data = json.loads(self.shown)
            if not data["cards"]:
                self.refused.append(f"{self.name}: nothing to review")
                return
            message = message_for(data["cards"][0], self._draw)
            asked = BackMsg()
            state = asked.rerun_script.widget_states.widgets.add()
            state.id = f"$$STREAMLIT_INTERNAL_KEY_{self._element.id}__events"
            state.json_trigger_value = json.dumps([{"event": "sent", "value": {"messages": [message]}}])
            began = time.perf_counter()
            size = self._ask(asked, self._fragment)
            self.waited.append(time.perf_counter() - began)
            self.bytes.append(size)
            answer = json.loads(self.shown)["answers"].get(message["request"], {"ok": False, "said": "no answer"})
            if not answer["ok"]:
                self.refused.append(str(answer.get("said")))

    def close(self) -> None:
        self._socket.close()

    def _ask(self, message: BackMsg, fragment: str) -> int:
        """Send, and take in what comes until the script has run; the number of bytes."""
        message.rerun_script.query_string = f"as={self.name}"
        message.rerun_script.fragment_id, message.rerun_script.page_script_hash = fragment, self._page
        self._socket.send(message.SerializeToString())
        size = 0
        while True:
            got = self._socket.recv(timeout=60)
            assert isinstance(got, bytes)
            size += len(got)
            said = ForwardMsg()
            said.ParseFromString(got)
            if said.WhichOneof("type") == "delta" and said.delta.new_element.WhichOneof("type") == COMPONENT:
                self._element, self._fragment = said.delta.new_element.bidi_component, said.delta.fragment_id
            if said.WhichOneof("type") == "navigation":
                self._page = said.navigation.page_script_hash
            if said.WhichOneof("type") == "script_finished" and self._element is not None:
                return size
