"""Make .venv from the locked dependencies, with the project on its path: `python3 .ci/venv.py runtime|dev`.

Needs Python 3.11+ and a package index, nothing else. Does nothing while the lock is the same.
"""

from __future__ import annotations

import base64
import configparser
import fcntl
import hashlib
import html
import os
import re
import shlex
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
KINDS = ("runtime", "dev")  # each holds the one before it

# For a Python without ensurepip, as Debian's is without python3-venv.
PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def main(kind: str) -> None:
    """Bring .venv up to date. Another make that does the same is waited for."""
    with Path(__file__).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(_stamp(held).exists() for held in KINDS[KINDS.index(kind) :]) and PYTHON.exists():
            return
        if not (_stamp("runtime").exists() and PYTHON.exists()):
            _say(f"making .venv with Python {sys.version.split()[0]}")
            _run(sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", VENV)
            _install_pip()
        _say(f"installing what .ci/{kind}.lock lists")
        _pip(["-m", "pip"], "--require-hashes", "--requirement", str(_lock(kind)))
        _put_on_path()
        for held in KINDS[: KINDS.index(kind) + 1]:
            _stamp(held).touch()


def _lock(kind: str) -> Path:
    return ROOT / ".ci" / f"{kind}.lock"


def _stamp(kind: str) -> Path:
    """There once that kind is installed; a venv can't be moved, so its name holds the folder too."""
    made_of = os.fsencode(ROOT) + _lock(kind).read_bytes() + Path(__file__).read_bytes()
    return VENV / f".{kind}-{hashlib.sha256(made_of).hexdigest()[:16]}"


def _put_on_path() -> None:
    [site_packages] = VENV.glob("lib/python*/site-packages")
    (site_packages / "rlops.pth").write_text(f"{ROOT}\n")
    script = VENV / "bin" / "rlops"
    # Through the shell, since a #! line holds neither spaces nor long paths; -P keeps the working folder off the path.
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -m rlops "$@"\n')
    script.chmod(0o755)


def _install_pip() -> None:
    if not subprocess.run(
        [PYTHON, "-I", "-m", "ensurepip", "--default-pip"], check=False, capture_output=True
    ).returncode:
        return
    _say(f"this Python comes without pip: fetching {PIP}")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / PIP
        wheel.write_bytes(_fetch_pip())
        _pip([str(wheel / "pip")], "--no-index", "--no-deps", str(wheel))


def _pip(pip: Sequence[str], *arguments: str) -> None:
    _run(PYTHON, "-I", *pip, "install", "--quiet", "--no-input", "--disable-pip-version-check", *arguments)


def _run(*command: str | Path) -> None:
    if subprocess.run(command, check=False).returncode:
        hint = "If it is the package index that can't be reached: PIP_INDEX_URL names another one."
        raise SystemExit(f"rlops: `{' '.join(map(str, command))}` failed (see above). {hint}")


def _fetch_pip() -> bytes:
    index = _configured("index-url", "https://pypi.org/simple").rstrip("/") + "/pip/"
    try:
        page = _get(index).decode()
        links = [html.unescape(link) for link in re.findall(r'href\s*=\s*["\']([^"\']+)', page)]
        wheel = next((link for link in links if urllib.parse.urlsplit(link).path.endswith(f"/{PIP}")), PIP)
        content = _get(urllib.parse.urljoin(index, wheel))
    except OSError as error:
        hint = "Install python3-venv, or name another package index with PIP_INDEX_URL."
        raise SystemExit(f"rlops: can't fetch {PIP}: {error}. {hint}") from error
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        raise SystemExit(f"rlops: the index's {PIP} is not the one that was pinned (sha256 {PIP_SHA256}).")
    return content


def _get(url: str) -> bytes:
    parts = urllib.parse.urlsplit(url)
    request = urllib.request.Request(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())  # noqa: S310
    if parts.username:
        login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    tls = ssl.create_default_context(cafile=_configured("cert", "") or None)
    with urllib.request.urlopen(request, timeout=60, context=tls) as answer:  # noqa: S310
        return answer.read()


def _configured(name: str, default: str) -> str:
    """A setting of pip's, from its variable or its files."""
    files = configparser.RawConfigParser(strict=False)
    home = Path.home()
    named = os.environ.get("PIP_CONFIG_FILE", os.devnull)
    files.read(["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf", named])
    said = files.get("install", name, fallback=files.get("global", name, fallback=default))
    return os.environ.get("PIP_" + name.upper().replace("-", "_")) or said


def _say(text: str) -> None:
    sys.stderr.write(f"rlops: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1])
