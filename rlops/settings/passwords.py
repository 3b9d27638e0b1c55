"""The password's sources. None of them is an argument of the process."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rlops.errors import Usage
from rlops.settings.layers import Layer, Setting
from rlops.settings.target import Secret

Ask = Callable[[str], str]

_WAYS = ("password_file", "ask_password", "password_env", "password")


def find_password(layers: Sequence[Layer]) -> tuple[str, Setting] | None:
    """The strongest source of a password, and its kind. A file, the prompt or a variable beside a URL's win over it.

    Raises `Usage` where one source names both a file and the prompt.
    """
    for layer in layers:
        if "password_file" in layer and "ask_password" in layer:
            both = f"{layer['password_file'].source} and {layer['ask_password'].source}"
            raise Usage(f"{both} exclude each other", code="two_passwords")
        for way in _WAYS:
            if way in layer:
                return way, layer[way]
    return None


def read_password(
    way: str, setting: Setting, *, environ: Mapping[str, str], ask: Ask | None, prompt: str, warnings: list[str]
) -> Secret:
    """Fetch the password from where `find_password` found it.

    Raises `Usage`: the file can't be read, the variable isn't set, or there is no terminal to ask on.
    """
    if way == "password_file":
        return _from_file(Path(setting.text), setting.source, warnings)
    if way == "ask_password":
        if ask is None:
            raise Usage(f"{setting.source}: there is no terminal to ask on", "use --password-file", "no_terminal")
        return Secret(ask(prompt))
    if way == "password_env":
        if setting.text not in environ:
            raise Usage(f"{setting.source}: the variable {setting.text} isn't set", code="password_env")
        return Secret(environ[setting.text])
    return Secret(setting.text)


def _from_file(path: Path, source: str, warnings: list[str]) -> Secret:
    try:
        mode = path.stat().st_mode
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Usage(f"{source}: {path} can't be read: {reason}", code="password_file") from error
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        warnings.append(f"the password file {path} can be read by everybody: chmod 600 {path}")
    return Secret(text.removesuffix("\n").removesuffix("\r"))
