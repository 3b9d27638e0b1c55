"""From options, variables, profiles and option files to one Target."""

from __future__ import annotations

import copy
import json
import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from rlops import optionfiles
from rlops.connect import require_tls
from rlops.errors import Refused, Usage
from rlops.settings import Secret, Target, resolve

Files = Mapping[str, str]


@pytest.fixture
def give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Target]:
    """Resolve with files in a home and a working folder that hold nothing else."""
    monkeypatch.setattr(optionfiles, "SYSTEM_FILES", ())
    cwd, home = tmp_path / "work", tmp_path / "home"
    cwd.mkdir()
    home.mkdir()

    def resolve_here(
        *, env: Mapping[str, str] | None = None, toml: str = "", cnf: str = "", ask=None, sandbox=None, **options: str
    ) -> Target:
        if toml:
            (cwd / "rlops.toml").write_text(toml)
        if cnf:
            (home / ".my.cnf").write_text(cnf)
        return resolve(options, environ=env or {}, cwd=cwd, home=home, ask=ask, sandbox=sandbox)

    return resolve_here


Give = Callable[..., Target]
SHOP = """
default_profile = "shop"
[profiles.shop]
host = "profile"
port = 4000
user = "profile"
database = "profile"
environment = "development"
[profiles.other]
url = "mysql://me:geheim@other/otherdb?ssl-mode=REQUIRED"
"""


def test_nothing_configured_is_the_local_server_as_oneself(give: Give) -> None:
    target = give()
    assert (target.host, target.port, target.socket) == ("127.0.0.1", 3306, None)
    assert target.user == pwd.getpwuid(os.geteuid()).pw_name
    assert (target.password, target.database, target.profile, target.environment) == (None, None, None, None)
    assert target.ssl_mode == "PREFERRED"
    assert target.warnings == ()
    assert set(target.sources.values()) == {"default", "default: the name of the user who runs rlops"}


def test_precedence_from_the_weakest_to_the_strongest(give: Give) -> None:
    env = {"MYSQL_HOST": "variable"}
    assert give(env=env).host == "variable"
    assert give(env=env, cnf="[client]\nhost=file\n").host == "file"
    assert give(env=env, toml=SHOP).host == "profile"
    assert give(env={**env, "RLOPS_HOST": "rlops"}).host == "rlops"
    assert give(env={**env, "RLOPS_HOST": "rlops"}, host="option").host == "option"


def test_each_setting_says_where_it_came_from(give: Give, tmp_path: Path) -> None:
    target = give(
        host="option",
        env={"RLOPS_USER": "me", "MYSQL_PWD": "x", "MYSQL_TCP_PORT": "3310"},
        cnf="[client]\n\nssl-mode=required\n",
        toml='[profiles.p]\ndatabase="shop"\nsql_dir="sql"\n',
        profile="p",
    )
    assert target.sources == {
        "host": "option --host",
        "port": "variable MYSQL_TCP_PORT",
        "socket": "default",
        "user": "variable RLOPS_USER",
        "password": "variable MYSQL_PWD",
        "database": f"profile p in {tmp_path}/work/rlops.toml",
        "sql_dir": f"profile p in {tmp_path}/work/rlops.toml",
        "ssl_mode": f"{tmp_path}/home/.my.cnf [client] line 3",
        "ssl_ca": "default",
        "ssl_cert": "default",
        "ssl_key": "default",
        "profile": "option --profile",
        "archive_to": "default",
        "environment": "default",
        "replica": "default",
    }
    assert target.sql_dir == tmp_path / "work" / "sql"


def test_no_password_is_ever_shown(give: Give) -> None:
    target = give(env={"RLOPS_URL": "mysql://me:geheim@db/shop"})
    shown = [repr(target), str(target), f"{target.password}", f"{target.password!r:>30}", repr(asdict(target))]
    assert not any("geheim" in text for text in [*shown, repr(copy.deepcopy(target))])
    assert target.password == Secret("geheim")
    assert target.password.reveal() == "geheim"
    with pytest.raises(TypeError):
        json.dumps(target.password)


def test_the_description(give: Give) -> None:
    assert give(url="mysql://u@[::1]:3307/shop").describe() == {
        "host": "[::1]:3307",
        "database": "shop",
        "profile": None,
    }
    assert give(socket="/run/x.sock").describe() == {"host": "/run/x.sock", "database": None, "profile": None}


# URLs


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "database"),
    [
        ("mysql://u:p@db:3307/shop", "db", 3307, "u", "p", "shop"),
        ("mariadb://u:p@db/shop", "db", 3306, "u", "p", "shop"),
        ("MySQL://u@db", "db", 3306, "u", None, None),
        ("mysql://u:@db/", "db", 3306, "u", "", None),
        ("mysql://u:p@ss@db/shop", "db", 3306, "u", "p@ss", "shop"),
        ("mysql://u:%40%2F%23%3F%25%3A@db/shop", "db", 3306, "u", "@/#?%:", "shop"),
        ("mysql://gr%C3%BC%C3%9Fe:%C3%BC@db/l%C3%A4den", "db", 3306, "grüße", "ü", "läden"),
        ("mysql://u@db/my%20%60shop%60%20100%25%2F2", "db", 3306, "u", None, "my `shop` 100%/2"),
        ("mysql://u@[2001:db8::5]:3307/shop", "2001:db8::5", 3307, "u", None, "shop"),
        ("mysql://u@[fe80::1%25eth0]/shop", "fe80::1%eth0", 3306, "u", None, "shop"),
        ("mysql://u:a+b@db/a+b", "db", 3306, "u", "a+b", "a+b"),
        ("mysql:///shop", "127.0.0.1", 3306, None, None, "shop"),
    ],
)
def test_urls(
    give: Give, url: str, host: str, port: int, user: str | None, password: str | None, database: str
) -> None:
    target = give(env={"RLOPS_URL": url})
    assert (target.host, target.port, target.database) == (host, port, database)
    assert target.user == user or user is None
    assert target.password == (None if password is None else Secret(password))


def test_the_query_of_a_url(give: Give, tmp_path: Path) -> None:
    target = give(url="mysql://u@localhost/shop?socket=/run/my%20sql.sock&ssl-mode=verify_ca&ssl_ca=~/ca.pem&ssl-key=k")
    assert target.place == "/run/my sql.sock"
    assert target.ssl_mode == "VERIFY_CA"
    assert (target.ssl_ca, target.ssl_key) == (tmp_path / "home/ca.pem", tmp_path / "work/k")
    assert target.sources["ssl_ca"] == "option --url"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@db/shop",
        "mysql+pymysql://u:geheim@db/shop",
        "u:geheim@db/shop",
        "mysql:u@db",
        "mysql://u:gehe#im@db/shop",
        "mysql://u:12/34geheim@db/shop",
        "mysql://u:12?34geheim@db/shop",
        "mysql://u:geheim/x@db/shop",
        "mysql://u:geheim?x@db/shop",
        "mysql://u@db:port/shop",
        "mysql://u@db:99999/shop",
        "mysql://u@[::1/shop",
        "mysql://u@db/shop/table",
        "mysql://u@db/shop?charset=utf8",
        "mysql://u@db/shop?password=geheim",
        "mysql://u@db/%FF",
        "mysql://u:geheim%00@db\ud800/%00",
        "geheim",
    ],
)
def test_malformed_urls_are_refused_without_repeating_a_secret(give: Give, url: str) -> None:
    with pytest.raises(Usage) as failure:
        give(env={"RLOPS_URL": url})
    assert "geheim" not in failure.value.message + failure.value.hint
    assert "34" not in failure.value.message


def test_a_password_in_the_url_on_the_command_line_is_refused(give: Give) -> None:
    with pytest.raises(Usage) as failure:
        give(url="mysql://u:geheim@db/shop")
    assert failure.value.code == "password_on_command_line"
    assert "geheim" not in failure.value.message + failure.value.hint
    assert "RLOPS_URL" in failure.value.hint


def test_parts_beside_a_url_win_and_a_weaker_source_fills_what_it_leaves_open(give: Give) -> None:
    target = give(url="mysql://u@db/shop", database="other", env={"RLOPS_URL": "mysql://x:p@y:1/z?ssl-mode=REQUIRED"})
    assert (target.place, target.user, target.database) == ("db:3306", "u", "other")
    assert target.password == Secret("p")
    assert target.ssl_mode == "REQUIRED"


def test_a_url_without_a_port_means_3306_and_not_an_option_files_port(give: Give) -> None:
    cnf = "[client]\nport=3310\nsocket=/run/s\n"
    assert give(url="mysql://u@db/shop", cnf=cnf).place == "db:3306"
    assert give(url="mysql://u@localhost/shop", cnf=cnf).place == "/run/s"


# Host or socket

DEBIAN = "[client]\nport=3306\nsocket=/run/s\n"


@pytest.mark.parametrize(
    ("options", "env", "cnf", "place"),
    [
        ({}, {}, DEBIAN, "/run/s"),
        ({"host": "localhost"}, {}, DEBIAN, "/run/s"),
        ({"host": "LOCALHOST"}, {}, DEBIAN, "/run/s"),
        ({"host": "127.0.0.1"}, {}, DEBIAN, "127.0.0.1:3306"),
        ({"host": "db"}, {}, DEBIAN, "db:3306"),
        ({"port": "3307"}, {}, DEBIAN, "127.0.0.1:3307"),
        ({"host": "localhost", "port": "3307"}, {}, DEBIAN, "localhost:3307"),
        ({}, {}, "[client]\nhost=localhost\nsocket=/run/s\n", "/run/s"),
        ({}, {}, "[client]\nhost=db\nsocket=/run/s\n", "db:3306"),
        ({}, {}, "[client]\nhost=localhost\n", "localhost:3306"),
        ({"socket": "/run/t"}, {}, "[client]\nhost=db\nport=3307\n", "/run/t"),
        ({"socket": "/run/t", "host": "localhost"}, {}, "", "/run/t"),
        ({"socket": "/run/t", "port": "3306"}, {}, "", "/run/t"),
        ({}, {"RLOPS_SOCKET": "/run/t"}, DEBIAN, "/run/t"),
        ({}, {"MYSQL_UNIX_PORT": "/run/m"}, "", "/run/m"),
        ({}, {"MYSQL_UNIX_PORT": "/run/m", "MYSQL_HOST": "db"}, "", "db:3306"),
        ({}, {"MYSQL_UNIX_PORT": "/run/m"}, "[client]\nport=3307\n", "127.0.0.1:3307"),
        ({}, {}, DEBIAN + "protocol=tcp\n", "127.0.0.1:3306"),
        ({}, {}, DEBIAN + "host=db\nprotocol=SOCKET\n", "/run/s"),
        ({"host": "[::1]"}, {}, "", "[::1]:3306"),
    ],
)
def test_host_or_socket(give: Give, options: Files, env: Files, cnf: str, place: str) -> None:
    assert give(env=env, cnf=cnf, **options).place == place


def test_a_setting_that_another_one_outdoes_says_so(give: Give) -> None:
    target = give(socket="/run/t", env={"MYSQL_HOST": "db"})
    assert target.host is None
    assert target.sources["host"] == "variable MYSQL_HOST (not used: option --socket wins)"


def test_a_remote_host_beside_a_socket_in_one_source_is_refused(give: Give) -> None:
    with pytest.raises(Usage, match="--host and option --socket"):
        give(host="db", socket="/run/t")
    with pytest.raises(Usage, match="profile p"):
        give(toml='[profiles.p]\nhost="db"\nsocket="/x"\n', profile="p")


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "3306x", "", "1e3", "³", "9" * 5000])
def test_a_port_has_to_be_one(give: Give, port: str) -> None:
    with pytest.raises(Usage, match="--port"):
        give(port=port)


@pytest.mark.parametrize("host", ["", "a b", "u@db", "db/shop", "a..b", "x" * 64, "a\0b", "\udcff"])
def test_a_host_has_to_be_one(give: Give, host: str) -> None:
    with pytest.raises(Usage, match="--host"):
        give(host=host)


@pytest.mark.parametrize("key", ["user", "database", "socket", "sql_dir", "ssl_ca"])
def test_control_characters_and_broken_utf8_are_refused(give: Give, key: str) -> None:
    for text in ("a\0b", "a\udcffb", "a\nb", ""):
        with pytest.raises(Usage):
            give(**{key: text})


@pytest.mark.parametrize("name", ["shop 1", "sh`op", "sh'op", 'sh"op', "100%", "läden", "店", "-- x"])
def test_database_names(give: Give, name: str) -> None:
    assert give(database=name).database == name


@pytest.mark.parametrize("name", ["shop😀", "𝒮hop"])
def test_a_database_name_outside_the_bmp_is_refused(give: Give, name: str) -> None:
    with pytest.raises(Usage) as failure:
        give(database=name)
    assert failure.value.code == "bad_database"
    with pytest.raises(Usage, match="RLOPS_URL"):
        give(env={"RLOPS_URL": "mysql://db/shop%F0%9F%98%80"})


@pytest.mark.parametrize(("text", "mode"), [("disabled", "DISABLED"), ("verify-identity", "VERIFY_IDENTITY")])
def test_ssl_modes(give: Give, text: str, mode: str) -> None:
    assert give(ssl_mode=text).ssl_mode == mode
    with pytest.raises(Usage, match=r"--ssl-mode.*PREFERRED"):
        give(ssl_mode="yes")


@pytest.mark.parametrize(
    ("cnf", "mode"),
    [
        ("ssl", "REQUIRED"),
        ("ssl=1", "REQUIRED"),
        ("ssl=ON", "REQUIRED"),
        ("ssl=0", "DISABLED"),
        ("skip-ssl", "DISABLED"),
        ("ssl-verify-server-cert\nssl", "VERIFY_IDENTITY"),
        ("ssl\ndisable-ssl-verify-server-cert", "REQUIRED"),
        ("ssl-verify-server-cert=0", "PREFERRED"),
        ("ssl=0\nssl-mode=VERIFY_CA", "VERIFY_CA"),
        ("ssl-ca=/ca.pem", "VERIFY_CA"),
        ("ssl-ca=/ca.pem\nssl-mode=PREFERRED", "PREFERRED"),
        ("ssl-ca=/ca.pem\nskip-ssl", "DISABLED"),
        ("ssl-cipher=x", "PREFERRED"),
    ],
)
def test_what_option_files_say_of_tls(give: Give, cnf: str, mode: str) -> None:
    assert give(cnf=f"[client]\n{cnf}\n").ssl_mode == mode


def test_an_environment_is_one_of_two(give: Give) -> None:
    assert give(environment="Production").environment == "production"
    with pytest.raises(Usage, match="RLOPS_ENVIRONMENT"):
        give(env={"RLOPS_ENVIRONMENT": "staging"})


# Profiles


def test_a_profile_is_found_in_a_parent_folder_and_its_paths_start_there(give: Give, tmp_path: Path) -> None:
    (tmp_path / "rlops.toml").write_text(
        '[profiles.p]\nssl_ca="certs/ca.pem"\nssl_key="~/key.pem"\nssl_cert="/c.pem"\n'
    )
    target = give(env={"RLOPS_PROFILE": "p"})
    assert target.ssl_ca == tmp_path / "certs/ca.pem"
    assert target.ssl_key == tmp_path / "home/key.pem"
    assert target.ssl_cert == Path("/c.pem")
    assert target.profile == "p"


def test_a_configuration_can_be_named(give: Give, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[profiles.p]\nhost="mine"\n')
    env = {"RLOPS_CONFIG": f"{tmp_path}/mine.toml"}
    assert give(env=env, toml=SHOP, profile="p").host == "mine"
    with pytest.raises(Usage, match=r"none\.toml can't be read"):
        give(env={"RLOPS_CONFIG": "none.toml"})


def test_a_profile_with_a_url(give: Give) -> None:
    target = give(toml=SHOP, profile="other")
    assert (target.place, target.database, target.ssl_mode) == ("other:3306", "otherdb", "REQUIRED")
    assert target.password == Secret("geheim")
    assert target.environment is None


def test_a_profile_that_does_not_exist(give: Give) -> None:
    with pytest.raises(Usage) as failure:
        give(toml=SHOP, profile="nope")
    assert failure.value.hint == "there are: shop, other"
    with pytest.raises(Usage, match="DEFAULT"):
        give(toml='default_profile = "DEFAULT"\n')


def test_without_a_configuration_a_profile_can_not_be_named(give: Give) -> None:
    with pytest.raises(Usage, match=r"no profile 'p' in .*rlops\.toml"):
        give(profile="p")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("default_profle = 'x'\n", "default_profile"),
        ("[profiles.p]\nhostt = 'x'\n", "did you mean host?"),
        ("[profiles.p]\nssl-mode = 'x'\n", "did you mean ssl_mode?"),
        ("[profiles.p]\npassword = 'x'\n", "did you mean password_env?"),
        ("[profiles.p]\nxyzzy = 'x'\n", "known: url, host"),
        ("[profile.p]\nhost = 'x'\n", "did you mean profiles?"),
        ("profiles = 3\n", "tables"),
        ("[profiles]\np = 3\n", "tables"),
        ("default_profile = 3\n", "name of a profile"),
        ("[profiles.p]\nhost = 3\n", "host has to be text"),
        ("[profiles.p]\nport = [1]\n", "port has to be a number"),
        ("[profiles.p]\nask_password = 'yes'\n", "true or false"),
        ("[profiles.p\n", "line 1"),
        ("a = 'ü\n", "valid TOML"),
    ],
)
def test_mistakes_in_the_configuration_are_named_with_the_file(give: Give, toml: str, says: str) -> None:
    with pytest.raises(Usage, match=r"rlops\.toml") as failure:
        give(toml=toml)
    assert says in f"{failure.value.message} {failure.value.hint}"


def test_a_world_writable_configuration_is_refused(give: Give, tmp_path: Path) -> None:
    path = tmp_path / "rlops.toml"
    path.write_text(SHOP)
    path.chmod(0o666)
    with pytest.raises(Usage, match="written by everybody"):
        give()


@pytest.mark.parametrize(
    ("options", "env", "used"),
    [
        ({"database": "x", "user": "y"}, {}, True),
        ({"host": "prod"}, {}, False),
        ({"url": "mysql://prod/shop"}, {}, False),
        ({"port": "3307"}, {}, False),
        ({"socket": "/run/s"}, {}, False),
        ({"defaults_file": "/dev/null"}, {}, False),
        ({}, {"RLOPS_HOST": "prod"}, False),
        ({"host": "prod"}, {"RLOPS_PROFILE": "shop"}, False),
        ({}, {"RLOPS_HOST": "prod", "RLOPS_PROFILE": "shop"}, True),
        ({"profile": "shop"}, {"RLOPS_HOST": "prod"}, True),
        ({"profile": "shop", "host": "prod"}, {}, True),
    ],
)
def test_a_profile_gives_way_to_a_server_that_is_named_more_explicitly(
    give: Give, options: Files, env: Files, used: bool
) -> None:
    """Else `--url` of production beside a default profile would be "development"."""
    target = give(toml=SHOP, env=env, **options)
    assert target.environment == ("development" if used else None)
    assert target.profile == ("shop" if used else None)
    assert any("profile shop" in warning for warning in target.warnings) is not used


# Passwords


def test_a_password_file(give: Give, tmp_path: Path) -> None:
    path = tmp_path / "work" / "pw"
    path.write_bytes("grüße # \\ \n".encode())
    path.chmod(0o600)
    target = give(password_file="pw")
    assert target.password == Secret("grüße # \\ ")
    assert target.warnings == ()
    path.write_bytes(b"x\r\n")
    path.chmod(0o644)
    target = give(env={"RLOPS_PASSWORD_FILE": str(path)})
    assert target.password == Secret("x")
    assert target.sources["password"] == "variable RLOPS_PASSWORD_FILE"
    assert "chmod 600" in target.warnings[0]


def test_a_password_file_that_can_not_be_read(give: Give, tmp_path: Path) -> None:
    for name in ("none", str(tmp_path), "a\0b", "x" * 5000):
        with pytest.raises(Usage, match="--password-file"):
            give(password_file=name)


def test_the_prompt(give: Give) -> None:
    prompts: list[str] = []
    target = give(
        ask_password="1", user="me", host="db", env={"MYSQL_PWD": "x"}, ask=lambda p: prompts.append(p) or "typed"
    )
    assert target.password == Secret("typed")
    assert prompts == ["Password of me@db:3306: "]
    with pytest.raises(Usage) as failure:
        give(ask_password="1")
    assert "--password-file" in failure.value.hint
    with pytest.raises(Usage, match="--ask-password"):
        give(ask_password="perhaps")
    assert give(env={"RLOPS_ASK_PASSWORD": "0", "MYSQL_PWD": "x"}).password == Secret("x")


def test_a_password_without_a_value_in_an_option_file_asks(give: Give) -> None:
    cnf = "[client]\npassword\n"
    assert give(cnf=cnf, ask=lambda _: "typed").password == Secret("typed")
    with pytest.raises(Usage, match=r"\.my\.cnf \[client\] line 2"):
        give(cnf=cnf)
    assert give(cnf="[client]\npassword=\n", env={"MYSQL_PWD": "x"}).password == Secret("")


def test_the_strongest_source_of_a_password_wins(give: Give, tmp_path: Path) -> None:
    (tmp_path / "work" / "pw").write_text("file\n")
    env = {"RLOPS_URL": "mysql://u:url@db", "MYSQL_PWD": "weak"}
    assert give(env=env).password == Secret("url")
    assert give(env={**env, "RLOPS_PASSWORD": "variable"}).password == Secret("variable")
    assert give(env={**env, "RLOPS_PASSWORD_FILE": "pw"}).password == Secret("file")
    assert give(env={**env, "RLOPS_ASK_PASSWORD": "1"}, password_file="pw").password == Secret("file")
    with pytest.raises(Usage, match="exclude each other"):
        give(password_file="pw", ask_password="1", ask=lambda _: "")


def test_a_password_from_a_variable_that_the_profile_names(give: Give) -> None:
    toml = '[profiles.p]\nurl = "mysql://u@db/shop"\npassword_env = "SHOP_PW"\n'
    target = give(toml=toml, profile="p", env={"SHOP_PW": "x"})
    assert target.password == Secret("x")
    with pytest.raises(Usage, match="SHOP_PW isn't set"):
        give(toml=toml, profile="p")


# Option files and sandbox


def test_a_named_defaults_file_replaces_the_others(give: Give, tmp_path: Path) -> None:
    (tmp_path / "work" / "other.cnf").write_text("[client_x]\nhost=other\nssl-ca=~/ca.pem\n")
    target = give(cnf="[client]\nhost=mine\nuser=me\n", defaults_file="other.cnf", env={"MYSQL_GROUP_SUFFIX": "_x"})
    assert target.host == "other"
    assert target.user != "me"
    assert target.ssl_ca == tmp_path / "home/ca.pem"
    with pytest.raises(Usage, match=r"none\.cnf"):
        give(env={"RLOPS_DEFAULTS_FILE": "none.cnf"})


def test_a_writable_option_file_is_a_warning(give: Give, tmp_path: Path) -> None:
    (tmp_path / "home" / ".my.cnf").touch()
    (tmp_path / "home" / ".my.cnf").chmod(0o666)
    target = give(cnf="[client]\nhost=attacker\n")
    assert target.host == "127.0.0.1"
    assert "everybody may write" in target.warnings[0]


SANDBOX = {"socket": "/tmp/sb.sock", "user": "root", "database": "shop", "environment": "development"}
STRAY = "[client]\nhost=prod\nuser=admin\npassword=geheim\nssl-mode=REQUIRED\n"


def test_the_sandbox_is_used_if_nothing_else_is_configured(give: Give) -> None:
    target = give(cnf=STRAY, env={"MYSQL_PWD": "x", "MYSQL_HOST": "prod"}, sandbox=lambda _: SANDBOX)
    assert (target.place, target.user, target.database) == ("/tmp/sb.sock", "root", "shop")
    assert (target.password, target.ssl_mode, target.environment) == (None, "PREFERRED", "development")
    assert target.sources["socket"] == "sandbox .rlops-sandbox.json"


def test_without_a_sandbox_the_option_files_count(give: Give) -> None:
    assert give(cnf=STRAY, sandbox=lambda _: None).host == "prod"


def test_a_sandbox_takes_the_parts_that_name_no_server(give: Give) -> None:
    target = give(user="shop", database="b", environment="production", sandbox=lambda _: SANDBOX)
    assert (target.place, target.user, target.database) == ("/tmp/sb.sock", "shop", "b")
    assert target.environment == "production"


@pytest.mark.parametrize(
    "options", [{"host": "a"}, {"port": "1"}, {"url": "mysql://a"}, {"socket": "/a"}, {"profile": "shop"}]
)
def test_a_target_of_ones_own_leaves_the_sandbox_alone(give: Give, options: Files) -> None:
    def dead(_: Path) -> None:
        raise Refused("the sandbox is dead")

    assert give(toml=SHOP, sandbox=dead, **options).place != "/tmp/sb.sock"
    assert give(toml=SHOP, sandbox=dead).profile == "shop"
    env = {f"RLOPS_{key.upper()}": text for key, text in options.items()}
    assert give(toml=SHOP, sandbox=dead, env=env).place != "/tmp/sb.sock"


def test_a_dead_sandbox_refuses_and_nothing_falls_through(give: Give) -> None:
    def dead(_: Path) -> None:
        raise Refused("the sandbox is dead")

    with pytest.raises(Refused):
        give(cnf=STRAY, sandbox=dead)


# TLS in production


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({"host": "db"}, "REQUIRED"),
        ({"host": "10.0.0.1", "environment": "production"}, "REQUIRED"),
        ({"host": "db", "ssl_mode": "preferred"}, "REQUIRED"),
        ({"host": "2001:db8::1"}, "REQUIRED"),
        ({"host": "localhost.example.com"}, "REQUIRED"),
        ({"host": "db", "ssl_mode": "DISABLED"}, "DISABLED"),
        ({"host": "db", "ssl_ca": "/ca"}, "VERIFY_CA"),
        ({"host": "db", "environment": "development"}, "PREFERRED"),
        ({"host": "127.1.2.3"}, "PREFERRED"),
        ({"host": "::1"}, "PREFERRED"),
        ({"host": "localhost"}, "PREFERRED"),
        ({"socket": "/run/s"}, "PREFERRED"),
        ({}, "PREFERRED"),
    ],
)
def test_production_over_a_network_requires_tls(give: Give, options: Files, mode: str) -> None:
    assert require_tls(give(**options)).ssl_mode == mode


def test_replicas_take_what_their_urls_leave_out_from_the_source(give: Give) -> None:
    assert give(url="mysql://me@db/shop").replica is None
    assert give(url="mysql://me@db/shop", replica="none").replica == ()
    toml = 'default_profile = "p"\n[profiles.p]\nurl = "mysql://me:word@db/shop"\nssl_mode = "REQUIRED"\n'
    listed = 'replica = ["mysql://r1", "mysql://other:own@r2:3307"]\n'
    first, second = give(toml=toml + listed).replica or ()
    assert (first.place, first.user, first.ssl_mode, first.database) == ("r1:3306", "me", "REQUIRED", None)
    assert first.password == Secret("word")
    assert (second.place, second.user, second.password) == ("r2:3307", "other", Secret("own"))
    (only,) = give(toml=toml + listed, env={"RLOPS_REPLICA": "mysql://r3"}).replica or ()
    assert only.place == "r3:3306"


@pytest.mark.parametrize("text", ["none mysql://r1", "r1", "mysql:///shop", "mysql://r1:x"])
def test_replicas_that_can_not_be_understood(give: Give, text: str) -> None:
    with pytest.raises(Usage, match="option --replica"):
        give(url="mysql://me@db/shop", replica=text)


def test_a_replicas_password_is_refused_on_the_command_line(give: Give) -> None:
    with pytest.raises(Usage) as refused:
        give(url="mysql://me@db/shop", replica="mysql://me:secret@r1")
    assert "secret" not in refused.value.message + refused.value.hint
    assert (give(url="mysql://me@db/shop", env={"RLOPS_REPLICA": "mysql://me:word@r1"}).replica or ())[0].password
