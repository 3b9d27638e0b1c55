"""Opens the connection to a Target, with the TLS that its ssl_mode promises, and explains why it can't."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR
from pymysql.cursors import DictCursor

from rlops.errors import Denied, Usage
from rlops.settings import Target

if TYPE_CHECKING:  # the class takes a parameter in its type stubs alone
    Connection = pymysql.connections.Connection[DictCursor]
else:
    Connection = pymysql.connections.Connection

_VERIFIED = ("VERIFY_CA", "VERIFY_IDENTITY")


def require_tls(target: Target) -> Target:
    """The target with TLS made obligatory where production is reached over a network, unless it is switched off.

    A socket and the loopback interface are no network. An environment that nobody named is production.
    """
    if target.environment == "development" or target.ssl_mode != "PREFERRED" or _is_local(target):
        return target
    return replace(target, ssl_mode="REQUIRED", sources={**target.sources, "ssl_mode": "production over a network"})


def open_connection(
    target: Target, *, program: str, connect_timeout: float = 10, read_timeout: float | None = None
) -> Connection:
    """Connect and log in; times are in seconds, and `connect_timeout` bounds each answer of the server until then.

    The modes are those of the MySQL manual, "Configuring MySQL to Use Encrypted Connections": PREFERRED goes on
    without TLS only where the server offers none, and doesn't use it on a socket.

    Raises `Denied` if there is no connection, no TLS where it is required, or no login; `Usage` for wrong TLS files.
    """
    context = _tls_context(target)
    try:
        connection = _connect(target, program, connect_timeout, context)
    except Exception as error:  # whatever listens there may answer anything, and PyMySQL's parser raises anything
        raise _denied(target, error) from error
    if target.ssl_mode not in ("DISABLED", "PREFERRED") and not is_encrypted(connection):
        connection.close()
        raise Denied(f"{target.place} gave a connection without TLS", f"the SSL mode is {target.ssl_mode}", "tls")
    internals: Any = connection
    internals._read_timeout = read_timeout  # PyMySQL has one limit for the login and for the statements after it
    return connection


def is_encrypted(connection: Connection) -> bool:
    """Whether the bytes on the wire really are TLS."""
    internals: Any = connection
    return isinstance(internals._sock, ssl.SSLSocket)


def _connect(target: Target, program: str, timeout: float, context: ssl.SSLContext | None) -> Connection:
    arguments: dict[str, Any] = {
        "user": target.user,
        # As text PyMySQL would send it in latin-1.
        "password": target.password.reveal().encode("utf-8", "surrogateescape") if target.password else b"",
        "database": target.database,
        "charset": "utf8mb4",
        "autocommit": True,
        "cursorclass": DictCursor,
        "program_name": program,
        "local_infile": False,
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "auth_plugin_map": {"mysql_clear_password": _ClearPassword, "dialog": _Dialog},
    }
    if target.socket is not None:
        arguments["unix_socket"] = str(target.socket)
    else:
        arguments |= {"host": target.host, "port": target.port}
    if context is None:
        return pymysql.connect(**arguments, ssl_disabled=True)
    try:
        return pymysql.connect(**arguments, ssl=context)
    except pymysql.err.OperationalError as error:
        # PyMySQL's own number 2026 means that the server offers no TLS; a failed handshake is another error.
        if target.ssl_mode != "PREFERRED" or error.args[0] != CR.CR_SSL_CONNECTION_ERROR:
            raise
        return pymysql.connect(**arguments, ssl_disabled=True)


class _Confidential:
    """A plugin by which the server asks for the password itself: over TLS or a socket only."""

    def __init__(self, connection: Any) -> None:
        if not connection._secure:
            text = "the server asks for the password in clear text, and there is no TLS"
            raise pymysql.err.OperationalError(CR.CR_AUTH_PLUGIN_ERR, text)
        self.connection = connection


class _ClearPassword(_Confidential):
    def authenticate(self, _: Any) -> Any:
        self.connection.write_packet(self.connection.password + b"\0")
        return self.connection._read_packet()


class _Dialog(_Confidential):
    """MariaDB's PAM. Without `authenticate` PyMySQL goes on with its own answer to the prompt."""


def _tls_context(target: Target) -> ssl.SSLContext | None:
    if target.ssl_mode == "DISABLED" or (target.ssl_mode == "PREFERRED" and target.socket is not None):
        return None
    verified = target.ssl_mode in _VERIFIED
    if verified and target.ssl_ca is None:
        hint = "name the CA's certificate with --ssl-ca; the system's are often in /etc/ssl/certs/ca-certificates.crt"
        raise Usage(f"the SSL mode {target.ssl_mode} needs a CA to check the server against", hint, "tls_files")
    if target.ssl_key and not target.ssl_cert:
        raise Usage("a client key needs its certificate", "name it with --ssl-cert", "tls_files")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = target.ssl_mode == "VERIFY_IDENTITY"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    _load_files(context, target)
    return context


def _load_files(context: ssl.SSLContext, target: Target) -> None:
    for path in (target.ssl_ca, target.ssl_cert, target.ssl_key):
        if path and not path.is_file():
            raise Usage(f"the TLS file {path} doesn't exist", code="tls_files")
    try:
        if target.ssl_ca:
            context.load_verify_locations(cafile=target.ssl_ca)
        if target.ssl_cert:
            # Without a password of ours OpenSSL would ask for one on the terminal.
            context.load_cert_chain(target.ssl_cert, target.ssl_key, password="")
    except (OSError, ValueError) as error:
        files = ", ".join(str(path) for path in (target.ssl_ca, target.ssl_cert, target.ssl_key) if path)
        hint = "they have to be PEM files that belong together, the key without a passphrase"
        raise Usage(f"the TLS files {files} can't be used: {error}", hint, "tls_files") from error


def _is_local(target: Target) -> bool:
    if target.host is None or target.host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(target.host).is_loopback
    except ValueError:
        return False


_LOGIN = "is it the right user and password? The account may also be limited to other hosts, or want TLS"
_PLUGIN = "accounts with auth_socket work on the server's socket only (--socket), as the system user of the same name"
_REASONS = {
    1040: ("too_many_connections", "the server has no connection left: see max_connections and SHOW PROCESSLIST"),
    1044: ("database_denied", "the account has no privilege on this database, or its name is wrong"),
    1045: ("access_denied", _LOGIN),
    1049: ("unknown_database", "SHOW DATABASES lists those that the account may see"),
    1129: ("host_blocked", "after too many broken connections: an administrator runs mysqladmin flush-hosts"),
    1130: ("host_not_allowed", "no account may log in from this machine: an administrator creates 'user'@'this host'"),
    1203: ("too_many_connections", "the account has too many connections: see max_user_connections"),
    1226: ("too_many_connections", "the account is at its limit: see WITH MAX_… in SHOW CREATE USER"),
    1251: ("auth_plugin", "the account's authentication plugin is too old or unknown: see SHOW CREATE USER"),
    1524: ("auth_plugin", _PLUGIN),
    1698: ("auth_plugin", _PLUGIN),
    1820: ("password_expired", "an administrator, or the mysql client, sets a new one with ALTER USER"),
    1862: ("password_expired", "an administrator, or the mysql client, sets a new one with ALTER USER"),
    2003: ("no_server", "is the server running, and are host and port, or the socket, right?"),
    2013: ("no_server", "the server hung up before the login: is it MySQL's port, and what does its error log say?"),
    2026: ("tls", "start the server with TLS, or say --ssl-mode DISABLED"),
    2059: ("auth_plugin", "rlops can't use the account's authentication plugin: see SHOW CREATE USER"),
    2061: ("auth_plugin", "use --ssl-mode REQUIRED, so that nobody on the way sees the password"),
    3118: ("account_locked", "an administrator runs ALTER USER … ACCOUNT UNLOCK"),
    3159: ("tls", "the server wants TLS: leave --ssl-mode DISABLED out"),
    4151: ("account_locked", "an administrator runs ALTER USER … ACCOUNT UNLOCK"),
}

_TLS = (
    "the TLS handshake failed: compare --ssl-mode, --ssl-ca and the server's certificate; VERIFY_CA leaves its name out"
)
_TIMEOUT = "a firewall, or not a MySQL server: are host and port right?"
_NOT_MYSQL = "what answers there doesn't speak MySQL's protocol: is it the right port? (33060 is the X protocol's)"


def _denied(target: Target, error: Exception) -> Denied:
    number, text = _said(error)
    code, hint = _reason(error, number, text)
    used = (key for key in ("host", "port", "socket", "user", "password") if getattr(target, key) is not None)
    origin = ", ".join(f"{key} from {target.sources[key]}" for key in used)
    said = f"{text} ({number})" if number else text
    schema = f", database {target.database!r}" if target.database else ""
    return Denied(f"no connection to {target.user}@{target.place}{schema}: {said}", f"{hint}\n({origin})", code)


def _said(error: Exception) -> tuple[int, str]:
    """The number and text of the server, the driver or the system."""
    if not isinstance(error, pymysql.err.MySQLError):
        return 0, str(error) or type(error).__name__
    number = error.args[0] if isinstance(error.args[0], int) else 0
    return number, str(getattr(error, "original_exception", None) or error.args[-1])


def _reason(error: Exception, number: int, text: str) -> tuple[str, str]:
    if "[SSL" in text or isinstance(getattr(error, "original_exception", None), ssl.SSLError):
        return "tls", _TLS
    if "timed out" in text:
        return "timeout", _TIMEOUT
    if number in _REASONS:
        return _REASONS[number]
    if isinstance(error, RuntimeError):  # a Python package that the plugin needs is missing
        return _REASONS[CR.CR_AUTH_PLUGIN_CANNOT_LOAD]
    if number >= 1000:
        return "login_failed", "the server's manual explains the number"
    return "not_mysql", _NOT_MYSQL
