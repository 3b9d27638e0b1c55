"""Logging in on real servers: passwords, authentication plugins, TLS, and what is said when it fails."""

from __future__ import annotations

import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from rlops.connect import Connection, is_encrypted, open_connection
from rlops.errors import Denied, Usage
from rlops.sandbox.server import RunningServer
from rlops.settings import Secret, Target, resolve


def target(host: str | None = None, port: int | None = None, path: Path | None = None, **settings: Any) -> Target:
    if isinstance(settings.get("password"), str):
        settings["password"] = Secret(settings["password"])
    sources = dict.fromkeys(("host", "port", "socket", "user", "password"), "test")
    return Target(**{"host": host, "port": port, "socket": path, "user": "root", "sources": sources} | settings)


def by_socket(server: RunningServer, **settings: Any) -> Target:
    return target(path=server.socket, **settings)


def by_tcp(server: RunningServer, **settings: Any) -> Target:
    return target("127.0.0.1", server.port, **settings)


@contextmanager
def connected(to: Target, **limits: float) -> Iterator[Connection]:
    connection = open_connection(to, program="rlops", **limits)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: Any, sql: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def scalar(connection: Any, sql: str) -> Any:
    return next(iter(ask(connection, sql)[0].values()))


def denial(to: Target, **limits: float) -> Denied:
    with pytest.raises(Denied) as failure:
        open_connection(to, program="rlops", **limits)
    assert failure.value.hint
    return failure.value


@pytest.fixture
def ours(server: Any) -> RunningServer:
    if not isinstance(server, RunningServer):
        pytest.skip("somebody else's server")
    return server


@pytest.fixture
def networked(ours: RunningServer) -> RunningServer:
    if ours.port is None:
        pytest.skip("listens on a socket only")
    return ours


@pytest.fixture
def mysql(ours: RunningServer) -> RunningServer:
    if ours.family != "mysql":
        pytest.skip("only MySQL has it")
    return ours


@pytest.fixture
def account(ours: RunningServer) -> Iterator[Callable[..., str]]:
    """`account(password, plugin=…, require=…)`: the name of a new account, dropped after the test."""
    names: list[str] = []

    def make(password: str, plugin: str = "", require: str = "") -> str:
        name = f"u_{uuid.uuid4().hex[:8]}"
        with pymysql.connect(**ours.connect_args()) as connection, connection.cursor() as cursor:
            how = f"IDENTIFIED WITH {plugin} BY" if plugin else "IDENTIFIED BY"
            cursor.execute(f"CREATE USER {name}@'%%' {how} %s {require}", (password,))
        names.append(name)
        return name

    yield make
    with pymysql.connect(**ours.connect_args()) as connection, connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP USER {name}@'%%'", ())


# The session


def test_the_session_is_what_was_asked_for(ours):
    with connected(by_socket(ours)) as connection:
        assert ask(connection, "SELECT 1 AS one") == [{"one": 1}]
        assert scalar(connection, "SELECT @@autocommit") == 1
        assert scalar(connection, "SELECT @@character_set_client") == "utf8mb4"
        assert scalar(connection, "SELECT 'läden 😀'") == "läden 😀"
        assert not is_encrypted(connection)


def test_it_names_itself(mysql):
    with connected(by_socket(mysql)) as connection:
        sql = "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE ATTR_NAME = 'program_name'"
        assert scalar(connection, f"{sql} AND PROCESSLIST_ID = CONNECTION_ID()") == "rlops"


def test_the_login_has_a_limit_of_its_own(ours):
    with connected(by_socket(ours), connect_timeout=1) as connection:
        assert scalar(connection, "SELECT SLEEP(1.5)") == 0
    with connected(by_socket(ours), read_timeout=1) as connection, pytest.raises(pymysql.err.OperationalError):
        ask(connection, "SELECT SLEEP(3)")


@pytest.mark.parametrize("name", ["my shop", "sh`op", "100%", "läden", "店", "a'b"])
def test_database_names(ours, make_database, name):
    name = f"{name} {uuid.uuid4().hex[:8]}"
    make_database(name)
    with connected(by_socket(ours, database=name)) as connection:
        assert scalar(connection, "SELECT DATABASE()") == name


# Passwords


@pytest.mark.parametrize(
    "password", ["simple", "grüße €", "店😀", "a'b\"c", "a#b;c", "back\\slash", " blank ", "%41@/?"]
)
def test_passwords(ours, account, password):
    name = account(password)
    for to in [by_socket, *([by_tcp] if ours.port else [])]:
        with connected(to(ours, user=name, password=password)) as connection:
            assert scalar(connection, "SELECT CURRENT_USER()").startswith(name)
    assert denial(by_socket(ours, user=name, password=password + "x")).code == "access_denied"


def test_a_real_option_file(ours, account, tmp_path):
    name = account('p#"ä\\x')
    path = tmp_path / "my.cnf"
    path.write_text(f'[client]\nuser = {name}\npassword = "p#\\"ä\\\\x"  # odd\nsocket={ours.socket}\n')
    found = resolve({"defaults_file": str(path)}, environ={}, cwd=tmp_path, home=tmp_path)
    with connected(found) as connection:
        assert scalar(connection, "SELECT CURRENT_USER()").startswith(name)


def test_a_wrong_password_is_explained_and_not_shown(ours, account):
    name = account("right")
    said = denial(by_socket(ours, user=name, password="geheim"))
    assert said.code == "access_denied"
    assert f"{name}@{ours.socket}" in said.message
    assert "1045" in said.message
    assert "password from test" in said.hint
    assert "geheim" not in said.message + said.hint + repr(said.__cause__)


def test_a_user_that_is_not_there(ours):
    assert denial(by_socket(ours, user="nobody")).code in ("access_denied", "auth_plugin")


def test_an_unknown_database(ours):
    said = denial(by_socket(ours, database="no such schema"))
    assert said.code == "unknown_database"
    assert "no such schema" in said.message


def test_a_forbidden_database(ours, account, database):
    said = denial(by_socket(ours, user=account("x"), password="x", database=database.name))
    assert said.code in ("database_denied", "access_denied")


# No server, or another one


def test_nobody_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert denial(target("127.0.0.1", port)).code == "no_server"
    assert denial(target(path=tmp_path / "none.sock")).code == "no_server"
    assert denial(target(path=tmp_path)).code == "no_server"
    assert denial(target(path=tmp_path / ("x" * 200))).code == "no_server"
    assert denial(target("no-such-host.invalid", 3306)).code == "no_server"


@contextmanager
def fake_server(talk: Callable[[socket.socket], object]) -> Iterator[Target]:
    """Something that isn't MySQL, or a malicious one."""

    def serve() -> None:
        for _ in range(2):
            try:
                with listener.accept()[0] as client:
                    talk(client)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield target("127.0.0.1", listener.getsockname()[1], password="geheim")


@pytest.mark.parametrize(
    "first",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x05\0\0\0\x0b\x08\x05\x1a\0",
        b"\x01\0\0\0\x0a",
    ],
)
def test_something_else_listens(first):
    with fake_server(lambda client: client.sendall(first)) as to:
        assert denial(to, connect_timeout=2).code in ("not_mysql", "no_server")


def test_a_server_that_says_nothing_times_out():
    with fake_server(lambda client: time.sleep(3)) as to:
        began = time.monotonic()
        assert denial(to, connect_timeout=1).code == "timeout"
        assert time.monotonic() - began < 2.5


def test_a_server_that_hangs_up():
    with fake_server(lambda client: None) as to:
        assert denial(to).code == "no_server"


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def greeting(capabilities: int) -> bytes:
    head = b"\x0a9.7.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHH", capabilities, 255, 2, 0x00FF)
    return head + bytes([21]) + bytes(10) + b"123456789012\0mysql_native_password\0"


GREETING, OFFERS_TLS = greeting(0xF7FF), greeting(0xFFFF)


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog"])
def test_a_server_can_not_ask_for_the_password_in_clear_text(plugin):
    got = bytearray()

    def talk(client: socket.socket) -> None:
        client.sendall(packet(0, GREETING))
        client.recv(4096)
        client.sendall(packet(2, b"\xfe" + plugin + b"\0\x04Password: "))
        got.extend(client.recv(4096))

    with fake_server(talk) as to:
        assert denial(to, connect_timeout=2).code == "auth_plugin"
    assert b"geheim" not in got


# TLS


def cipher(connection: Any) -> str:
    return ask(connection, "SHOW STATUS LIKE 'Ssl_cipher'")[0]["Value"]


def test_without_being_asked_tls_is_used_on_the_network_and_not_on_the_socket(networked):
    offers_tls = networked.label != "mariadb-10.11"
    with connected(by_tcp(networked)) as connection:
        assert is_encrypted(connection) is bool(cipher(connection)) is offers_tls
    with connected(by_socket(networked)) as connection:
        assert not is_encrypted(connection)
        assert not cipher(connection)


def test_disabled_means_none(networked):
    with connected(by_tcp(networked, ssl_mode="DISABLED")) as connection:
        assert not is_encrypted(connection)
        assert not cipher(connection)


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-10.11", "mariadb-11.8"])
def test_a_server_without_tls(start_server, label):
    server = start_server(label, *(["--tls-version="] if label.startswith("mysql") else ["--skip-ssl"]))
    with connected(by_tcp(server)) as connection:
        assert not is_encrypted(connection)
    for to in (by_tcp(server, ssl_mode="REQUIRED"), by_socket(server, ssl_mode="REQUIRED")):
        assert denial(to).code == "tls"


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-10.11", "mariadb-11.8"])
def test_certificates(start_server, tls_files, label):
    server = start_server(label, *tls_files.server_options)
    for mode in ("PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        for host in ("127.0.0.1", "localhost"):
            with connected(target(host, server.port, ssl_mode=mode, ssl_ca=tls_files.ca)) as connection:
                assert is_encrypted(connection)
                assert cipher(connection)
    for mode in ("REQUIRED", "VERIFY_CA"):
        with connected(by_socket(server, ssl_mode=mode, ssl_ca=tls_files.ca)) as connection:
            assert is_encrypted(connection)
    with connected(by_socket(server)) as connection:
        ask(connection, "CREATE USER x509@'%' IDENTIFIED BY 'p' REQUIRE X509")
    login = {"user": "x509", "password": "p", "ssl_mode": "REQUIRED"}
    with connected(by_tcp(server, **login, ssl_cert=tls_files.client, ssl_key=tls_files.client_key)) as connection:
        assert is_encrypted(connection)
    assert denial(by_tcp(server, **login)).code == "access_denied"


def test_a_certificate_that_another_ca_signed_is_refused(networked, tls_files):
    if networked.label == "mariadb-10.11":
        pytest.skip("has no certificate unless it is given one")
    for mode in ("VERIFY_CA", "VERIFY_IDENTITY"):
        said = denial(by_tcp(networked, ssl_mode=mode, ssl_ca=tls_files.ca))
        assert said.code == "tls"
        assert "certificate verify failed" in said.message


def test_mysqls_own_certificate_fits_its_ca_and_no_host(mysql):
    ca = mysql.directory / "data" / "ca.pem"
    with connected(by_tcp(mysql, ssl_mode="VERIFY_CA", ssl_ca=ca)) as connection:
        assert is_encrypted(connection)
    assert denial(by_tcp(mysql, ssl_mode="VERIFY_IDENTITY", ssl_ca=ca)).code == "tls"


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-11.8"])
def test_a_server_that_wants_tls(start_server, label):
    server = start_server(label, "--require-secure-transport=ON")
    with connected(by_tcp(server)) as connection:
        assert is_encrypted(connection)
    assert denial(by_tcp(server, ssl_mode="DISABLED")).code == "tls"
    with connected(by_socket(server)) as connection:
        assert not is_encrypted(connection)


def test_a_failed_handshake_is_never_answered_with_plain_text():
    """A server that offers TLS and then breaks it off: going on without is what an attacker would want."""
    logins = []

    def talk(client: socket.socket) -> None:
        client.sendall(packet(0, OFFERS_TLS))
        logins.append(client.recv(4096))
        client.sendall(packet(2, b"no TLS after all"))

    with fake_server(talk) as to:
        assert denial(to, connect_timeout=2).code == "tls"
    assert len(logins) == 1
    assert b"root" not in logins[0]


def test_tls_files_that_can_not_be_used(tls_files, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    wrong: list[dict[str, Any]] = [
        {"ssl_mode": "VERIFY_CA"},
        {"ssl_mode": "VERIFY_IDENTITY"},
        {"ssl_ca": tmp_path / "none.pem"},
        {"ssl_ca": tmp_path},
        {"ssl_ca": broken, "ssl_mode": "VERIFY_CA"},
        {"ssl_cert": tls_files.client},
        {"ssl_cert": tls_files.client, "ssl_key": tls_files.server_key},
        {"ssl_key": tls_files.client_key},
        {"ssl_cert": broken, "ssl_key": broken},
    ]
    for settings in wrong:
        with pytest.raises(Usage) as failure:
            open_connection(target("127.0.0.1", 1, **settings), program="rlops")
        assert failure.value.code == "tls_files"


def test_a_key_with_a_passphrase_is_refused_and_nothing_is_asked(tls_files, tmp_path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(tls_files.client_key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"x")))
    with pytest.raises(Usage, match=r"locked\.pem"):
        open_connection(target("127.0.0.1", 1, ssl_cert=tls_files.client, ssl_key=locked), program="rlops")


# Authentication plugins


@pytest.mark.parametrize("ssl_mode", ["DISABLED", "REQUIRED", "socket"])
@pytest.mark.parametrize("plugin", ["caching_sha2_password", "sha256_password"])
@pytest.mark.parametrize("password", ["grüße#1", ""])
def test_sha2_passwords(mysql, account, plugin, password, ssl_mode):
    """Without TLS the password goes out under the server's RSA key; the second login is out of the server's cache."""

    def to(text: str) -> Target:
        login = {"user": name, "password": text}
        if ssl_mode != "socket":
            return by_tcp(mysql, **login, ssl_mode=ssl_mode)
        # PyMySQL sends sha256_password's password as it is on a socket, where the server wants RSA or TLS.
        return by_socket(mysql, **login, ssl_mode="REQUIRED" if plugin == "sha256_password" else "PREFERRED")

    name = account(password, plugin=plugin)
    for _ in range(2):
        with connected(to(password)) as connection:
            assert scalar(connection, "SELECT CURRENT_USER()") == f"{name}@%"
    assert denial(to("wrong")).code == "access_denied"


def test_an_account_of_the_system(ours):
    if ours.family != "mariadb":
        pytest.skip("only MariaDB has the plugin built in")
    with connected(by_socket(ours)) as connection:
        ask(connection, "CREATE USER nobody@'%' IDENTIFIED VIA unix_socket")
    try:
        assert denial(by_socket(ours, user="nobody")).code in ("auth_plugin", "access_denied")
    finally:
        with connected(by_socket(ours)) as connection:
            ask(connection, "DROP USER nobody@'%'")


def test_locked_expired_and_busy_accounts(networked, account):
    locked = account("p", require="ACCOUNT LOCK")
    assert denial(by_tcp(networked, user=locked, password="p")).code == "account_locked"
    busy = account("p", require="WITH MAX_USER_CONNECTIONS 1")
    with connected(by_tcp(networked, user=busy, password="p")):
        assert denial(by_tcp(networked, user=busy, password="p")).code == "too_many_connections"
    if networked.family == "mysql":  # MariaDB lets it in, and refuses its statements
        expired = account("p", require="PASSWORD EXPIRE")
        assert denial(by_tcp(networked, user=expired, password="p")).code == "password_expired"


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-11.8"])
def test_a_full_server(start_server, label):
    server = start_server(label, "--max-connections=10")
    with connected(by_socket(server)) as connection:
        ask(connection, "CREATE USER shop@'%' IDENTIFIED BY 'p'")
        limit = scalar(connection, "SELECT @@max_connections")
    with ExitStack() as held, pytest.raises(Denied) as failure:
        for _ in range(limit + 1):
            held.enter_context(connected(by_tcp(server, user="shop", password="p")))
    assert failure.value.code == "too_many_connections"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1040, "too_many_connections"),
        (1129, "host_blocked"),
        (1130, "host_not_allowed"),
        (1251, "auth_plugin"),
        (1524, "auth_plugin"),
        (1698, "auth_plugin"),
        (3159, "tls"),
        (4999, "login_failed"),
    ],
)
def test_what_a_server_may_say_instead_of_a_greeting(number, code):
    error = b"\xff" + struct.pack("<H", number) + b"No, because"
    with fake_server(lambda client: client.sendall(packet(0, error))) as to:
        said = denial(to)
    assert said.code == code
    assert f"No, because ({number})" in said.message
