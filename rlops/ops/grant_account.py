"""The application account itself: what creates it, and its password."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rlops.errors import Usage
from rlops.holdings import Account
from rlops.plan import Step, StepResult
from rlops.settings import Secret
from rlops.sqlfiles import SqlFolder

LENGTH = 32  # characters
# Of each kind one at least, as password policies ask; none that a URL, a shell or a properties file would change.
KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.~")
FILE = "grant/005_create_user"


def generate() -> Secret:
    """A random password of about 190 bits."""
    while True:
        password = "".join(secrets.choice("".join(KINDS)) for _ in range(LENGTH))
        if all(set(password) & set(kind) for kind in KINDS):
            return Secret(password)


def create(sql: SqlFolder, account: Account, password: Secret) -> Step:
    """The step that creates the account. Raises Usage when the policy names a role of MariaDB's."""
    if account.host is None:
        raise Usage(
            f"policy.toml names the role {account}, and --create-user is for an account", how_to_create(account)
        )
    values = {"user": account.user, "host": account.host, "password": password}
    # It expects nothing that a later run would look up: only few operators may read mysql.user.
    return Step(f"create the account {account}", sql.statement(FILE, values=values))


def told(password: Secret) -> Callable[[Sequence[StepResult]], Mapping[str, Any]]:
    """Adds a generated password to the answer, once the account has it or may have it."""

    def tell(results: Sequence[StepResult]) -> Mapping[str, Any]:
        made = any(result.file == FILE and result.status in ("done", "unknown") for result in results)
        return {"password": password.reveal()} if made else {}

    return tell


def how_to_create(account: Account) -> str:
    """What an administrator types to create it."""
    if account.host is None:
        return f"An administrator runs: CREATE ROLE {account}"
    return f"`rlops grant --create-user`, or an administrator runs, with a password of your own: {statement(account)}"


def statement(account: Account) -> str:
    """The statement that creates it, without its password."""
    return f"CREATE ROLE {account}" if account.host is None else f"CREATE USER {account} IDENTIFIED BY '…'"
