"""A headless Chromium out of the machine's own Debian packages, unpacked into the cache, and driven over its pipe."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import CACHE

from rlops.errors import Failed
from rlops.sandbox import debian
from rlops.sandbox.cache import once

WAIT = 60.0  # seconds for a page to load
PACKAGES = ("chromium-headless-shell", "chromium")
INSTALLED = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
LIBC = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so", "ld-linux")


def find() -> tuple[str, dict[str, str]]:
    """The program and what its environment needs: an installed one, else unpacked (64 MB, 15 s). Raises Failed."""
    if installed := next((path for name in INSTALLED if (path := shutil.which(name))), None):
        return installed, {}
    if not debian.available():
        raise Failed("no Chromium is installed, and there is no apt-get to fetch one with")
    folder = CACHE / "browser"
    once(folder, _unpack, print)
    programs = [path for name in PACKAGES if (path := folder / "usr/lib/chromium" / name).exists()]
    if not programs:
        raise Failed(f"{folder} holds no Chromium; rm -r it")
    libraries = {path.parent for path in folder.glob("**/*-linux-gnu/**/*.so*")}
    return str(programs[0]), {
        "LD_LIBRARY_PATH": ":".join(map(str, sorted(libraries))),
        "FONTCONFIG_SYSROOT": str(folder),
    }


def _unpack(folder: Path) -> None:
    debian.unpack_first(PACKAGES, folder)
    # The machine's own loader starts it, and goes together with the machine's own libc alone.
    for path in folder.glob("**/*-linux-gnu/*"):
        if path.name.startswith(LIBC):
            path.unlink()


@dataclass
class Page:
    """One page: what it asked for, what its console said, and whatever it is asked."""

    send: Any
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> Any:
        return self.send(method, parameters)

    def open(self, url: str, width: int, height: int = 900) -> None:
        """Load a page at that width, as a phone or a desktop shows it."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=url)
        done = f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
        deadline = time.monotonic() + WAIT
        while not self._ready(done):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} is not loaded after {WAIT:g} s")
            time.sleep(0.02)

    def _ready(self, expression: str) -> bool:
        with suppress(RuntimeError):  # the page before may go in the middle of the question
            return bool(self.evaluate(expression))
        return False

    def evaluate(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, path: Path, width: int, height: int) -> None:
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        made = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(made["data"]))

    @property
    def requests(self) -> list[str]:
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    @property
    def complaints(self) -> list[str]:
        said = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(e["params"]) for e in self.events if e["method"] in said]


class _Pipe:
    """Chromium's own protocol: JSON values with a NUL behind each, on its file descriptors 3 and 4."""

    def __init__(self, into: int, out_of: int) -> None:
        self.into, self.out_of = os.fdopen(into, "wb", 0), os.fdopen(out_of, "rb")
        self.numbers = itertools.count(1)
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []

    def __call__(self, method: str, parameters: dict[str, Any]) -> Any:
        number = next(self.numbers)
        session = {"sessionId": self.session} if self.session else {}
        self.into.write(json.dumps({"id": number, "method": method, "params": parameters, **session}).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.out_of.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("Chromium has ended")
            text += byte
        found: dict[str, Any] = json.loads(text)
        return found


@contextmanager
def page(*, dark: bool = False) -> Iterator[Page]:
    """A new page in a browser of its own. Raises Failed when there is no browser to be had."""
    program, environment = find()
    to_it, ours_in = os.pipe()
    ours_out, from_it = os.pipe()
    with tempfile.TemporaryDirectory() as home:
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in (to_it, from_it)]

        def descriptors() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        # Its sandbox refuses to run as root, as which CI runs; the page is our own.
        options = (
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--headless",
            f"--user-data-dir={home}/data",
        )
        process = subprocess.Popen(
            [program, *options], preexec_fn=descriptors, close_fds=False,  # noqa: PLW1509 -- it only duplicates two descriptors
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", **environment},
        )  # fmt: skip
        for descriptor in (to_it, from_it, *high):
            os.close(descriptor)
        pipe = _Pipe(ours_in, ours_out)
        try:
            target = pipe("Target.createTarget", {"url": "about:blank"})["targetId"]
            pipe.session = pipe("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                pipe(f"{domain}.enable", {})
            pipe(
                "Emulation.setEmulatedMedia",
                {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
            )
            yield Page(pipe, pipe.events)
        finally:
            process.kill()
            process.wait()
