"""From all sources to one Target: options > RLOPS_* > profile > MySQL option files > MYSQL_* > defaults."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from rlops.errors import Usage
from rlops.optionfiles import group_suffix, read_options, standard_files
from rlops.settings import layers as source
from rlops.settings.layers import PLACE, Folders, Layer, Setting, plain
from rlops.settings.passwords import Ask, find_password, read_password
from rlops.settings.place import find_place
from rlops.settings.profiles import load_config
from rlops.settings.replicas import replicas
from rlops.settings.target import ENVIRONMENTS, SSL_MODES, Target

Sandbox = Callable[[Path], Mapping[str, str] | None]

_NOT_SETTINGS = ("sources", "warnings")


@dataclass
class _Stack:
    """The layers, strongest first; the first `own` of them are rlops' own sources."""

    layers: list[Layer]
    own: int = 0
    profile: Setting | None = None
    warnings: list[str] = field(default_factory=list)

    def first(self, key: str) -> Setting | None:
        return next((layer[key] for layer in self.layers if key in layer), None)


def resolve(
    options: Mapping[str, str | None],
    *,
    environ: Mapping[str, str],
    cwd: Path,
    home: Path,
    ask: Ask | None = None,
    sandbox: Sandbox | None = None,
) -> Target:
    """The target that all sources together describe; each setting is taken from the strongest source that has it.

    Parts beside a URL in the same source win over the URL's. A profile is left out, with a warning, when a stronger
    source than the one that names it names a server: `--host` beside `default_profile`. Host and socket: `find_place`.

    `sandbox` is asked for its settings when no option, variable or profile names a server; what it gives replaces
    option files and MYSQL_*.

    Raises `Usage` for whatever can't be understood, naming its source, and what `sandbox` raises.
    """
    stack = _gather(options, environ, Folders(cwd, home), sandbox)
    target = _without_password(stack)
    if found := find_password(stack.layers):
        way, setting = found
        prompt = f"Password of {target.user}@{target.place}: "
        secret = read_password(way, setting, environ=environ, ask=ask, prompt=prompt, warnings=stack.warnings)
        target = replace(target, password=secret, sources={**target.sources, "password": setting.source})
    if named := stack.first("replica"):
        target = replace(target, replica=replicas(named, target))
    return replace(target, warnings=tuple(stack.warnings))


def _without_password(stack: _Stack) -> Target:
    place = find_place(stack.layers, stack.own)
    found = {item.name: setting for item in fields(Target) if (setting := stack.first(item.name))}
    found.pop("profile", None)
    if stack.profile:
        found["profile"] = stack.profile
    if "ssl_mode" not in found and "ssl_ca" in found:
        # As in the MySQL clients: who names a CA wants the server checked against it.
        found["ssl_mode"] = Setting("VERIFY_CA", f"{found['ssl_ca'].source}: a CA implies VERIFY_CA")
    user = found.setdefault("user", Setting(_login_name(), "default: the name of the user who runs rlops"))
    said = {item.name: "default" for item in fields(Target) if item.name not in _NOT_SETTINGS}
    said |= {key: setting.source for key, setting in found.items()}
    return Target(
        host=place.host,
        port=place.port,
        socket=place.socket,
        user=plain(user),
        database=_database(found.get("database")),
        ssl_mode=_choice(found.get("ssl_mode"), SSL_MODES) or "PREFERRED",
        ssl_ca=_path(found.get("ssl_ca")),
        ssl_cert=_path(found.get("ssl_cert")),
        ssl_key=_path(found.get("ssl_key")),
        profile=stack.profile.text if stack.profile else None,
        environment=_choice(found.get("environment"), ENVIRONMENTS),
        sql_dir=_path(found.get("sql_dir")),
        archive_to=plain(found["archive_to"]) if "archive_to" in found else None,
        sources=said | place.sources,
    )


def _gather(
    options: Mapping[str, str | None], environ: Mapping[str, str], at: Folders, sandbox: Sandbox | None
) -> _Stack:
    stack = _Stack([source.option_layer(options, at), source.variable_layer(environ, at)])
    _add_profile(stack, environ, at)
    described = stack.profile or any(key in layer for layer in stack.layers for key in PLACE)
    settings = sandbox(at.base) if sandbox and not described else None
    if settings is not None:
        stack.layers.append(source.sandbox_layer(settings, at))
    stack.own = len(stack.layers)
    if settings is None:
        named = stack.first("defaults_file")
        files = [Path(plain(named))] if named else standard_files(environ, at.home)
        read = read_options(files, group_suffix(environ), named=named is not None)
        stack.layers += [source.option_file_layer(read.values, at), source.mysql_variable_layer(environ)]
        stack.warnings += read.warnings
    return stack


def _add_profile(stack: _Stack, environ: Mapping[str, str], at: Folders) -> None:
    """Add the profile, unless a stronger source than the one that names the profile names a server.

    The profile then describes another server, and its environment must not relax the rules for this one.
    """
    config = load_config(environ, at.base, at.home)
    default = {"profile": Setting(config.default, f"default_profile in {config.path}")} if config.default else {}
    stronger = None
    for layer in (*stack.layers, default):
        if named := layer.get("profile"):
            break
        stronger = stronger or next((layer[key] for key in PLACE if key in layer), None)
    else:
        return
    if stronger:
        stack.warnings.append(f"profile {named.text} ({named.source}) is not used: {stronger.source} names the server")
        return
    settings = config.profile(named.text)
    stack.layers.append(source.profile_layer(named.text, config.path, settings, at.home))
    stack.profile = named


def _database(setting: Setting | None) -> str | None:
    if setting is None:
        return None
    name = plain(setting)
    if max(name) > "\uffff":
        hint = "MySQL silently turns such a name into another one"
        raise Usage(f"{setting.source}: {name!r} has a character outside Unicode's basic plane", hint, "bad_database")
    return name


def _choice(setting: Setting | None, choices: tuple[str, ...]) -> str | None:
    if setting is None:
        return None
    wanted = setting.text.lower().replace("-", "_")
    for choice in choices:
        if choice.lower() == wanted:
            return choice
    raise Usage(f"{setting.source}: {setting.text!r} is none of {', '.join(choices)}", code="bad_value")


def _path(setting: Setting | None) -> Path | None:
    return Path(plain(setting)) if setting else None


def _login_name() -> str:
    """The user's name in the system, from the effective id as in the MySQL clients."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "root"
