"""MySQL option files as people have them; what isn't obvious was checked against my_default.cc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rlops import optionfiles
from rlops.errors import Usage
from rlops.optionfiles import Options, group_suffix, read_options, standard_files


def read(tmp_path: Path, text: str | bytes, suffix: str = "") -> Options:
    path = tmp_path / "my.cnf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_options([path], suffix)


def values(tmp_path: Path, text: str | bytes, suffix: str = "") -> dict[str, str | None]:
    return {name: option.value for name, option in read(tmp_path, text, suffix).values.items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("password=secret", "secret"),
        ("password = secret  ", "secret"),
        ("  password\t=\tsecret\r", "secret"),
        ('password="secret"', "secret"),
        ("password='secret'", "secret"),
        ('password = " spaces inside "', " spaces inside "),
        ('password="pa#ss"', "pa#ss"),
        ("password='pa#ss' # why", "pa#ss"),
        ("password=pa#ss", "pa"),
        ("password=pa # ss", "pa"),
        ("password=it's#mine", "it's#mine"),
        ("password=pa;ss", "pa;ss"),
        ("password=a=b==", "a=b=="),
        ("password=", ""),
        ('password=""', ""),
        ('password="', '"'),
        ("password=\"mixed'", "\"mixed'"),
        (r'password="a\"#b"', 'a"#b'),
        (r"password=a\sb\tc\nd\re\bf\\g", "a b\tc\nd\re\bf\\g"),
        (r"password=C:\Program", r"C:\Program"),
        (r"password=back\qslash", r"back\qslash"),
        (r"password=end" + "\\", "end\\"),
        (r'password="quoted end\\"', "quoted end\\"),
        ("password=größer€", "größer€"),
        ("password=a%%b%(c)s${d}", "a%%b%(c)s${d}"),
        ("password=[x]", "[x]"),
        ("password=!include", "!include"),
        ("password=a\x0cb\u2028c", "a\x0cb\u2028c"),
        ("password", None),
    ],
)
def test_a_value_is_what_the_mysql_client_makes_of_it(tmp_path: Path, line: str, value: str | None) -> None:
    assert values(tmp_path, f"[client]\n{line}\n")["password"] == value


def test_a_password_that_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    text = values(tmp_path, b"[client]\npassword=gr\xfc\xdfe\n")["password"]
    assert text is not None
    assert text.encode("utf-8", "surrogateescape") == b"gr\xfc\xdfe"


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    assert values(tmp_path, b"\xef\xbb\xbf[client]\r\nuser=shop\r\nhost=db\r\n") == {"user": "shop", "host": "db"}


def test_comments_and_empty_lines(tmp_path: Path) -> None:
    text = "# one\n; two\n\n   \n[client] # three\n  # four\n\t;five=5\nuser=shop\n"
    assert values(tmp_path, text) == {"user": "shop"}


def test_only_the_groups_of_clients_are_read(tmp_path: Path) -> None:
    text = """
[mysqld]
port=1
socket=/server.sock
[mysqldump]
quick
[client]
a=1
[ mysql ]
b=1
[client-server]
c=1
[client-mariadb]
d=1
[mariadb-client]
e=1
[rlops]
f=1
[CLIENT]
g=1
[clientele]
h=1
[mysqld_safe]
i=1
"""
    assert "".join(values(tmp_path, text)) == "abcdefg"


def test_the_last_of_several_wins_across_groups(tmp_path: Path) -> None:
    assert values(tmp_path, "[client]\nport=1\nport=2\n[mysql]\nport=3\n[client]\nuser=x\n") == {
        "port": "3",
        "user": "x",
    }


def test_groups_with_a_suffix_are_read_too(tmp_path: Path) -> None:
    text = "[client]\nhost=here\n[client_staging]\nhost=there\n[client_other]\nhost=nowhere\n"
    assert values(tmp_path, text) == {"host": "here"}
    assert values(tmp_path, text, "_staging") == {"host": "there"}
    assert group_suffix({"MYSQL_GROUP_SUFFIX": "_a", "MARIADB_GROUP_SUFFIX": "_b"}) == "_a"
    assert group_suffix({"MARIADB_GROUP_SUFFIX": "_b"}) == "_b"
    assert group_suffix({}) == ""


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("ssl-mode=REQUIRED", "ssl_mode", "REQUIRED"),
        ("ssl_mode=REQUIRED", "ssl_mode", "REQUIRED"),
        ("loose-ssl-mode=REQUIRED", "ssl_mode", "REQUIRED"),
        ("loose_ssl_mode = required", "ssl_mode", "required"),
        ("ssl", "ssl", None),
        ("ssl=0", "ssl", "0"),
        ("skip-ssl", "ssl", "0"),
        ("disable-ssl", "ssl", "0"),
        ("skip_ssl # plain", "ssl", "0"),
        ("enable-ssl", "ssl", "1"),
        ("loose-skip-ssl", "ssl", "0"),
        ("disable-ssl-verify-server-cert", "ssl_verify_server_cert", "0"),
        ("skip-name-resolve", "skip_name_resolve", None),
        ("no-auto-rehash", "no_auto_rehash", None),
    ],
)
def test_names(tmp_path: Path, line: str, name: str, value: str | None) -> None:
    assert values(tmp_path, f"[client]\n{line}\n") == {name: value}


def test_the_source_is_the_file_the_group_and_the_line(tmp_path: Path) -> None:
    options = read(tmp_path, "# my\n[client]\n\nuser=shop\n[mysql]\ndatabase=x\n").values
    assert options["user"].source == f"{tmp_path}/my.cnf [client] line 4"
    assert options["database"].source == f"{tmp_path}/my.cnf [mysql] line 6"


def test_a_value_does_not_show_in_repr(tmp_path: Path) -> None:
    assert "geheim" not in repr(read(tmp_path, "[client]\npassword=geheim\n"))


def test_includes(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "b.cnf").write_text("[client]\nuser=b\nhost=b\n")
    (folder / "a.cnf").write_text("[client]\nuser=a\nport=7\n")
    (folder / "c.ini").write_text("[client]\nuser=ini\n")
    (folder / "d.cnf.dpkg-old").write_text("[client]\nuser=old\n")
    (tmp_path / "one.inc").write_text("[client]\nsocket=/one\n[mysqld]\n")
    text = f"""
[client]
user=before
!include {tmp_path}/one.inc
!includedir   {folder}/
!include {tmp_path}/missing.cnf
!includedir {tmp_path}/missing.d
database=after
"""
    found = read(tmp_path, text).values
    shown = {name: option.value for name, option in found.items()}
    assert shown == {"user": "b", "host": "b", "port": "7", "socket": "/one", "database": "after"}
    assert found["host"].source == f"{folder}/b.cnf [client] line 3"


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.cnf").write_text(f"!include {tmp_path}/my.cnf\n")
    with pytest.raises(Usage, match="includes itself"):
        read(tmp_path, f"!includedir {tmp_path}\n")


def test_a_long_chain_of_includes_ends(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.inc").write_text(f"!include {tmp_path}/{number + 1}.inc\n[client]\nlevel_{number}=1\n")
    options = read(tmp_path, f"!include {tmp_path}/0.inc\n")
    assert "level_9" in options.values
    assert "level_10" not in options.values
    assert "is ignored" in options.warnings[0]


@pytest.mark.parametrize("line", ["user=x", "skip-ssl"])
def test_an_option_before_any_group_is_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(Usage, match=r"my\.cnf line 2"):
        read(tmp_path, f"# hello\n{line}\n")


def test_a_group_without_its_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"my\.cnf line 1.*\]"):
        read(tmp_path, "[client\nuser=x\n")


def test_a_world_writable_file_is_ignored_with_a_warning_and_refused_if_named(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text("[client]\nhost=attacker\n")
    path.chmod(0o666)
    options = read_options([path])
    assert not options.values
    assert "everybody may write" in options.warnings[0]
    with pytest.raises(Usage, match="written by everybody"):
        read_options([path], named=True)


def test_a_missing_or_unreadable_file_matters_only_if_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.cnf", tmp_path):
        assert not read_options([path]).values
        with pytest.raises(Usage, match="can't be read"):
            read_options([path], named=True)


def test_a_pipe_can_be_named() -> None:
    out, into = os.pipe()
    os.write(into, b"[client]\nuser=piped\n")
    os.close(into)
    try:
        assert read_options([Path(f"/dev/fd/{out}")], named=True).values["user"].value == "piped"
    finally:
        os.close(out)


def test_the_order_of_the_standard_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optionfiles, "SYSTEM_FILES", (Path("/etc/my.cnf"), Path("/etc/mysql/my.cnf")))
    files = standard_files({"MYSQL_HOME": "/srv/mysql"}, Path("/home/me"))
    assert [str(path) for path in files] == [
        "/etc/my.cnf",
        "/etc/mysql/my.cnf",
        "/srv/mysql/my.cnf",
        "/home/me/.my.cnf",
    ]


DEBIAN_MARIADB = """
# The MariaDB configuration file
[client-server]
# Port or socket location where to connect
# port = 3306
socket = /run/mysqld/mysqld.sock

# Import all .cnf files from configuration directory
!includedir {folder}
"""

AMAZON = """
[client]
user = admin
password = "Xy#9;'\\\\z"
host = shop.abc.eu-central-1.rds.amazonaws.com
ssl-ca = /etc/ssl/rds-combined-ca-bundle.pem   # from AWS
ssl-mode = VERIFY_IDENTITY
default-character-set = utf8mb4
[mysql]
prompt = "\\u@\\h [\\d]> "
pager = less -SFX
no-beep
[mysqldump]
user = dumper
"""


def test_the_file_of_debian(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "mysql.cnf").write_text("[mysql]\n")
    (tmp_path / "conf.d" / "50-client.cnf").write_text("[client]\n# Example of client certificate usage\n#ssl = on\n")
    assert values(tmp_path, DEBIAN_MARIADB.format(folder=tmp_path / "conf.d")) == {"socket": "/run/mysqld/mysqld.sock"}


def test_the_file_of_a_cloud_user(tmp_path: Path) -> None:
    found = values(tmp_path, AMAZON)
    assert found["password"] == "Xy#9;'\\z"
    assert found["ssl_ca"] == "/etc/ssl/rds-combined-ca-bundle.pem"
    assert found["user"] == "admin"
    assert found["no_beep"] is None
