"""The throw-away servers themselves: what everything else in the tests, the demo and the sandbox stands on."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pymysql
import pytest

from rlops.errors import Failed
from rlops.sandbox.process import Process
from rlops.sandbox.provision import provide
from rlops.sandbox.server import RunningServer, attach, start


@pytest.fixture
def ours(server) -> RunningServer:
    if not isinstance(server, RunningServer):
        pytest.skip("somebody else's server")
    return server


def scalar(server: RunningServer, sql: str, **overrides):
    with pymysql.connect(**server.connect_args() | overrides) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def ended(process: Process, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not process.alive()


def test_the_family_is_what_the_server_says(ours):
    version = scalar(ours, "SELECT VERSION()")
    names = {"MariaDB": "mariadb", "OceanBase": "oceanbase"}
    assert ours.family == next((family for name, family in names.items() if name in version), "mysql")
    assert ours.family == "oceanbase" or version.startswith(ours.version)


def test_it_listens_on_loopback_only(ours):
    listening = {"0A"}
    inodes = {str(path.readlink()) for path in Path(f"/proc/{ours.pid}/fd").iterdir() if path.is_symlink()}
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] in listening and f"socket:[{fields[9]}]" in inodes:
                addresses.add(fields[1])
    assert addresses == ({f"0100007F:{ours.port:04X}"} if ours.port else set())


def test_root_gets_in_over_tcp_with_every_privilege(ours):
    if ours.port is None:
        pytest.skip("on a socket only")
    tcp = {"unix_socket": None, "host": "127.0.0.1", "port": ours.port}
    assert "WITH GRANT OPTION" in scalar(ours, "SHOW GRANTS", **tcp)


def test_the_shop(database):
    assert database.query("SELECT COUNT(*) AS n FROM users") == [{"n": 20}]
    assert database.query("SELECT name FROM product WHERE id = 20") == [{"name": "product 20"}]


def test_a_name_with_everything_in_it(make_database):
    database = make_database("we`ird 'na\"me % ü")
    assert database.query("SELECT DATABASE() AS name") == [{"name": database.name}]


def test_what_was_committed_survives_a_kill(start_server, ours):
    server = start_server(ours.label)
    with pymysql.connect(**server.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
        cursor.execute("CREATE TABLE kept.t (id INT PRIMARY KEY)")
    before = server.pid
    server.kill9()
    assert not server.alive()
    server.restart()
    assert server.pid != before
    assert scalar(server, "SELECT COUNT(*) FROM kept.t") == 0
    server.stop()
    server.stop()
    assert not server.alive()


def test_two_servers_are_two(start_server, ours):
    one, other = start_server(ours.label), start_server(ours.label)
    assert one.socket != other.socket
    assert one.port is None or one.port != other.port
    if ours.family == "mysql":
        assert scalar(one, "SELECT @@server_uuid") != scalar(other, "SELECT @@server_uuid")


def test_to_initialise_and_start_one_takes_no_temporary_table_from_another(ours, tmp_path, monkeypatch):
    """A server that begins deletes what looks like one in its tmpdir; a shared one made the other's bootstrap fail."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    other = shared / "#sql-temptable-1-2-3.MAI"
    other.touch()
    build = provide(ours.label, say=print)
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setenv("RLOPS_CACHE", str(tmp_path / "cache"))
    with start(build, tmp_path / "d"):
        assert other.exists()


def test_closing_leaves_nothing(ours, tmp_path):
    directory = tmp_path / "d"
    server = start(provide(ours.label, say=print), directory)
    server.close()
    assert not server.alive()
    assert not directory.exists()


OWNER = """
import sys, threading, time
from pathlib import Path
from rlops.sandbox.provision import provide
from rlops.sandbox.server import start

def begin():
    server = start(provide(sys.argv[1], say=lambda _: None), Path(sys.argv[2]), detached=sys.argv[3] == "detached")
    print(server.process.pid, server.process.born, flush=True)

thread = threading.Thread(target=begin)
thread.start()
thread.join()
time.sleep(60 if sys.argv[3] == "tied" else 0)
"""


def owner(label: str, directory: Path, how: str) -> tuple[subprocess.Popen, Process]:
    command = [sys.executable, "-c", OWNER, label, str(directory), how]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    pid, born = started.stdout.readline().split()
    return started, Process(int(pid), int(born))


def test_it_dies_with_a_killed_owner_but_not_with_the_thread_that_asked_for_it(ours, tmp_path):
    started, process = owner(ours.label, tmp_path / "d", "tied")
    time.sleep(0.5)
    assert process.alive()
    started.kill()
    started.communicate()
    assert ended(process)


def test_a_detached_one_outlives_its_owner_and_its_terminal(ours, tmp_path):
    started, process = owner(ours.label, tmp_path / "d", "detached")
    started.communicate()
    try:
        with pytest.raises(ProcessLookupError):
            os.killpg(started.pid, signal.SIGHUP)
        time.sleep(1)
        assert process.alive()
    finally:
        process.stop(30)
    assert not process.alive()


def test_another_process_can_attach_to_it_by_its_record(start_server, ours):
    server = start_server(ours.label)
    found = attach(server.record())
    assert found.alive()
    assert scalar(found, "SELECT 1") == 1
    found.stop()
    assert not server.alive()
    assert not attach(server.record()).alive()
    assert not attach(server.record() | {"pid": os.getpid()}).alive()


def test_one_that_does_not_start_says_why(ours, tmp_path):
    directory = tmp_path / "d"
    wrong = "--no-such-option" if ours.family == "oceanbase" else "--innodb-buffer-pool-size=nonsense"
    with pytest.raises(Failed, match=r"(?s)did not start; its log ends with:.*(no-such-option|nonsense)"):
        start(provide(ours.label, say=print), directory, options=[wrong])
    assert not directory.exists()


def test_a_directory_in_use_is_left_alone(ours, tmp_path):
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Failed, match="isn't empty"):
        start(provide(ours.label, say=print), tmp_path)
    assert (tmp_path / "precious").exists()


def test_a_taken_port_is_not_the_end(ours, tmp_path, monkeypatch):
    if ours.port is None:
        pytest.skip("on a socket only")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], 31999])
        monkeypatch.setattr("rlops.sandbox.server.free_port", lambda: next(ports))
        with start(provide(ours.label, say=print), tmp_path / "d", tcp=True) as server:
            assert server.port == 31999


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-10.11", "mariadb-11.8"])
def test_tls_with_certificates_of_our_own(start_server, tls_files, label):
    server = start_server(label, *tls_files.server_options)
    context = ssl.create_default_context(cafile=tls_files.ca)
    context.load_cert_chain(tls_files.client, tls_files.client_key)
    tcp = {"unix_socket": None, "host": "127.0.0.1", "port": server.port, "ssl": context}
    with pymysql.connect(**server.connect_args() | tcp) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cursor.fetchone()[1]
