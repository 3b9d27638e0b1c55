"""Getting a server's binaries: the cache, the choice, and what is said when it doesn't work."""

from __future__ import annotations

import errno
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from rlops.errors import Failed, Usage
from rlops.sandbox import debian, provision
from rlops.sandbox.build import Build, run, tail
from rlops.sandbox.cache import cache_dir, once


def silent(text: str) -> None: ...


def fill(half: Path) -> None:
    (half / "one").write_text("1")
    time.sleep(0.2)
    (half / "two").write_text("2")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"RLOPS_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/rlops"),
        ({"XDG_CACHE_HOME": ""}, "/home/me/.cache/rlops"),
    ],
)
def test_the_cache_is_where_the_environment_says(monkeypatch, environment, expected):
    for name in ("RLOPS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == Path(expected)


def test_a_thing_is_made_once(tmp_path):
    calls = []
    for _ in range(2):
        once(tmp_path / "thing", calls.append, silent)
    assert len(calls) == 1


def test_a_failure_leaves_nothing_and_the_next_try_works(tmp_path):
    def fail(half):
        (half / "one").write_text("1")
        raise Failed("no network")

    with pytest.raises(Failed, match="no network"):
        once(tmp_path / "thing", fail, silent)
    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]
    assert (once(tmp_path / "thing", fill, silent) / "two").exists()


def test_a_full_disk_is_an_error_with_a_hint(tmp_path):
    def fail(half):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Failed, match="No space left") as caught:
        once(tmp_path / "thing", fail, silent)
    assert "RLOPS_CACHE" in caught.value.hint


def test_a_cache_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Failed):
        once(tmp_path / "file" / "thing", fill, silent)


def test_a_killed_maker_does_no_harm(tmp_path):
    def never_ends(half):
        (half / "one").write_text("1")
        time.sleep(60)

    maker = multiprocessing.get_context("fork").Process(target=once, args=(tmp_path / "thing", never_ends, silent))
    maker.start()
    while not list(tmp_path.glob(".thing.*.half/one")):
        time.sleep(0.01)
    maker.kill()
    maker.join()
    assert not (tmp_path / "thing").exists()
    assert sorted(path.name for path in once(tmp_path / "thing", fill, silent).iterdir()) == ["one", "two"]
    assert not list(tmp_path.glob(".thing.*.half"))


def test_many_at_once_make_it_once(tmp_path):
    made = tmp_path / "made"

    def make(half):
        fill(half)
        with made.open("a") as file:
            file.write("x")

    processes = [
        multiprocessing.get_context("fork").Process(target=once, args=(tmp_path / "thing", make, silent))
        for _ in range(5)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 5
    assert made.read_text() == "x"


DEBIAN = "http://deb.example/debian/ bookworm main"
SECURITY = "http://deb.example/debian-security/ bookworm-security main"
DOCKER = "https://download.example/linux/debian/ bookworm stable"
NODE = "https://node.example/20.x/ nodistro main"
UBUNTU = "http://archive.example/ubuntu/ noble main"


@pytest.mark.parametrize(
    ("entries", "on_debian", "expected"),
    [
        ([DOCKER, SECURITY, NODE, DEBIAN], True, "http://deb.example/debian/"),
        (["http://proxy.example/deb-remote/ bookworm main"], True, "http://proxy.example/deb-remote/"),
        ([], True, debian.CANONICAL),
        ([UBUNTU, NODE, DOCKER], False, debian.CANONICAL),
    ],
)
def test_the_mirror_is_the_machines_own(monkeypatch, entries, on_debian, expected):
    monkeypatch.delenv("RLOPS_DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(debian, "run", lambda *_, **__: "\n".join(entries))
    monkeypatch.setattr(debian, "_on_debian", lambda: on_debian)
    assert debian.mirror() == expected


def test_the_environment_names_another_mirror(monkeypatch):
    monkeypatch.setenv("RLOPS_DEBIAN_MIRROR", "[signed-by=/k.gpg] http://mine.example/debian")
    assert debian.mirror() == "[signed-by=/k.gpg] http://mine.example/debian"


@pytest.mark.skipif(not debian.available(), reason="needs apt-get")
def test_a_mirror_that_is_not_there_is_an_error_with_a_hint(monkeypatch, tmp_path):
    monkeypatch.setenv("RLOPS_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    with pytest.raises(Failed, match="fetching the package index failed") as caught:
        provision.provide("mysql-9.7", cache=tmp_path, say=silent)
    assert "RLOPS_DEBIAN_MIRROR" in caught.value.hint
    assert [path.name for path in tmp_path.glob("builds/*")] == [".mysql-9.7.lock"]


def test_without_apt_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(debian, "available", lambda: False)
    with pytest.raises(Failed, match="no apt-get"):
        provision.provide("mariadb-11.8", cache=tmp_path, say=silent)


def test_an_unknown_label_is_a_usage_error(tmp_path):
    with pytest.raises(Usage, match=r"postgres") as caught:
        provision.provide("postgres", cache=tmp_path, say=silent)
    assert "mysql-9.7" in caught.value.hint


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("/usr/sbin/mysqld  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))", ("mysql", "8.0.36")),
        ("mariadbd  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", ("mariadb", "10.11.6")),
    ],
)
def test_a_server_says_what_it_is(printed, expected):
    assert provision.identify(("echo", printed)) == expected


@pytest.fixture
def machine(monkeypatch):
    """A machine where nothing can be had until a test says otherwise; what is said is returned."""

    def unobtainable(*_, **__):
        raise Failed("no network", hint="plug it in")

    monkeypatch.setattr(provision, "_which", lambda program: None)
    monkeypatch.setattr(provision, "provide", unobtainable)
    monkeypatch.setattr(provision, "_own_packages", unobtainable)
    monkeypatch.setattr(provision.mysqld, "seed", lambda *_: None)
    monkeypatch.setattr(debian, "available", lambda: True)
    return []


def build(label: str, family: str) -> Build:
    return Build(label, family, "1.2.3", "", (), Path())


def test_an_installed_server_comes_first(monkeypatch, machine):
    monkeypatch.setattr(provision, "_which", lambda program: f"/usr/sbin/{program}")
    monkeypatch.setattr(provision, "identify", lambda command: ("mysql", "8.4.1"))
    assert provision.best_available(machine.append).command == ("/usr/sbin/mysqld",)
    assert machine == ["the server is the installed /usr/sbin/mysqld: MySQL 8.4.1"]


def test_one_that_is_too_old_is_passed_over(monkeypatch, machine):
    monkeypatch.setattr(provision, "_which", lambda program: "/opt/mysqld" if program == "mysqld" else None)
    monkeypatch.setattr(provision, "identify", lambda command: ("mysql", "5.7.44"))
    monkeypatch.setattr(provision, "provide", lambda label, say: build(label, "mysql"))
    assert provision.best_available(machine.append).label == "mysql-9.7"
    assert machine[0] == "not the installed /opt/mysqld: 5.7.44 is too old"


def test_one_that_does_not_initialise_is_passed_over(monkeypatch, machine):
    def seed(chosen, *_):
        if chosen.label == "mysql-9.7":
            raise Failed("initialising failed")

    monkeypatch.setattr(provision.mysqld, "seed", seed)
    monkeypatch.setattr(provision, "provide", lambda label, say: build(label, "mysql"))
    monkeypatch.setattr(provision, "_own_packages", lambda say: build("machine", "mariadb"))
    assert provision.best_available(machine.append).label == "machine"
    assert "not MySQL out of Debian's packages: initialising failed" in machine


def test_seekdb_is_the_last_resort(monkeypatch, machine):
    def only_seekdb(label, say):
        if label != "seekdb":
            raise Failed("no network")
        return build(label, "oceanbase")

    monkeypatch.setattr(provision, "provide", only_seekdb)
    assert provision.best_available(machine.append).family == "oceanbase"
    assert machine[-1] == "the server is seekdb, from PyPI: seekdb 1.2.3"


def test_with_nothing_to_be_had_the_error_has_the_last_hint(machine):
    with pytest.raises(Failed, match="no server can be had") as caught:
        provision.best_available(machine.append)
    assert caught.value.hint == "plug it in"
    assert len(machine) == 4


def test_a_command_that_fails_gives_its_errors():
    with pytest.raises(Failed, match=r"trying failed \(3\): E: broken$"):
        run(["sh", "-c", "echo 'W: so so' >&2; echo 'E: broken' >&2; exit 3"], "trying", "hint")
    with pytest.raises(Failed, match=r"trying failed: .*no-such-program"):
        run(["no-such-program"], "trying", "hint")


def test_the_tail_is_the_end_unless_there_are_errors():
    assert tail("1\n2\n3\n", lines=2) == "2\n3"
    assert tail("1\n0 [ERROR] 2\n3\n") == "0 [ERROR] 2"
