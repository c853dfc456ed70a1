"""A headless Chromium for tests of pages, driven by the DevTools protocol over a pipe.

Where there is no Chromium, tests of pages are skipped; with REQUIRE_CHROMIUM=1 they fail.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE, NARROW = (1400, 900), (390, 844)
_SLOWEST = 60.0  # seconds that one answer may take on a busy machine
# Of a key that does something by itself, the code that the browser goes by.
_CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageDown": 34}


def find_chromium() -> str:
    """The browser's path; without one the test is skipped, or fails where it is required."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = "no chromium on this machine; tests of pages need it: apt-get install chromium"
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


class Chromium:
    """A running browser. A context manager; profile: a folder of its own, without anything."""

    def __init__(self, profile: Path):
        command = [
            *(find_chromium(), "--headless=new", "--remote-debugging-pipe", "--disable-gpu"),
            *("--no-sandbox", "--no-first-run", "--hide-scrollbars", "--force-color-profile=srgb"),
            *("--disable-dev-shm-usage", "--disable-background-networking", "--lang=en"),
            *(f"--user-data-dir={profile}", "about:blank"),
        ]
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def name_pipes() -> None:
            """The protocol's pipes are file descriptors 3 and 4."""
            apart = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (theirs_in, theirs_out)]
            os.dup2(apart[0], 3)
            os.dup2(apart[1], 4)

        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=name_pipes,
            pass_fds=(3, 4),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = count(1)
        self._read = b""
        self.events: list[dict] = []

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("Browser.close")
        self._process.wait(timeout=_SLOWEST)
        os.close(self._in)
        os.close(self._out)

    def ask(self, method: str, session: str | None = None, **params: object) -> dict:
        """The result of a command; events that come meanwhile are kept in `events`."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _SLOWEST
        while time.monotonic() < end:
            answer = self._next_message(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)
        raise TimeoutError(method)

    def _next_message(self, end: float) -> dict:
        while b"\0" not in self._read:
            if not select.select([self._in], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self._in, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self._read += more
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)

    def open(self, address: str, size: tuple[int, int] = WIDE, dark: bool = False) -> "Page":
        """The page at an address, once it has loaded."""
        return Page(self, address, size, dark)


class Page:
    """A tab of its own; a context manager that closes it."""

    def __init__(self, browser: Chromium, address: str, size: tuple[int, int], dark: bool):
        self._browser = browser
        self._target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.ask("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        width, height = size
        screen = {"deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, **screen)
        self.ask("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.ask("Target.closeTarget", targetId=self._target)

    def ask(self, method: str, **params: object) -> dict:
        return self._browser.ask(method, self._session, **params)

    def run(self, script: str) -> object:
        """The value of a JavaScript expression, as JSON has it; promises are waited for."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 30) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"Boolean({script})"):
                return
            time.sleep(0.02)
        raise AssertionError(f"not true within {seconds} s: {script}")

    def press(self, key: str) -> None:
        """A key, by its name as in JavaScript ("j", "/", "ArrowRight", "Enter")."""
        text = {"text": "\r" if key == "Enter" else key} if key == "Enter" or len(key) == 1 else {}
        code = {"windowsVirtualKeyCode": _CODES[key]} if key in _CODES else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """A click of the mouse on the middle of the first element that matches."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            self.ask("Input.dispatchMouseEvent", type=kind, **where)

    def text(self, selector: str) -> str:
        """What a person reads in the first element that matches."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def texts(self, selector: str) -> list[str]:
        """The text of each element that matches, on one line, also of those not on the screen."""
        found = self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)"
        )
        return [" ".join(text.split()) for text in found]

    def rows(self, table: str) -> list[list[str]]:
        """The cells of each row of a table's body."""
        count = self.run(f"document.querySelector({json.dumps(table)}).tBodies[0].rows.length")
        return [
            self.texts(f"{table} tbody tr:nth-child({number}) > *")
            for number in range(1, count + 1)
        ]

    def events(self, *methods: str) -> list[dict]:
        """The parameters of the events of these kinds so far."""
        self.run("0")  # those on the way are read
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] in methods
        ]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the page, as the browser's console has them."""
        thrown = self.events("Runtime.exceptionThrown")
        found = [event["exceptionDetails"]["text"] for event in thrown]
        found += [event["entry"]["text"] for event in self.events("Log.entryAdded")]
        calls = self.events("Runtime.consoleAPICalled")
        return found + [str(event["args"]) for event in calls]

    @property
    def requests(self) -> list[str]:
        """The addresses of all that the page asked for, the page itself among them."""
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))
