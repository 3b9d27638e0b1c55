"""Which engine a server is, and what that kind refuses, without a server."""

from __future__ import annotations

import pytest

from rlops import engines, nodes, standing
from rlops.engines import CAPABILITIES
from rlops.errors import Exit, Refused

GALERA = "/usr/lib/galera4/libgalera_smm.so"


@pytest.mark.parametrize(
    ("version", "variables", "kind"),
    [
        ("8.0.36-28.1", {"wsrep_on": "ON", "wsrep_provider": GALERA}, "xtradb_cluster"),
        ("8.0.36-28.1", {"wsrep_on": "OFF", "wsrep_provider": GALERA}, "xtradb_cluster"),
        ("8.0.36-28.1", {"wsrep_on": "ON", "wsrep_provider": "none"}, "mysql"),
        ("8.0.36", {"wsrep_provider": ""}, "mysql"),
        ("11.8.9-MariaDB", {"wsrep_on": "ON", "wsrep_provider": GALERA}, "galera"),
        ("11.8.9-MariaDB", {"wsrep_on": "OFF", "wsrep_provider": "none"}, "mariadb"),
        (
            "8.0.36",
            {"group_replication_group_name": "x", "group_replication_single_primary_mode": "ON"},
            "group_replication",
        ),
    ],
)
def test_a_cluster_is_told_by_its_variables(version, variables, kind):
    assert engines.placed(engines.detect(version), variables).kind == kind


def test_an_engine_that_is_not_operated_is_a_refusal_with_its_reason():
    cluster = engines.placed(engines.detect("8.0.36-28.1"), {"wsrep_provider": GALERA})
    for engine in (cluster, engines.detect("8.0.30-Vitess")):
        with pytest.raises(Refused) as refused:
            engines.refuse_unsupported(engine)
        assert (refused.value.exit, refused.value.code) == (Exit.REFUSED, "unsupported_engine")
        assert engine.can.unsupported in refused.value.message
    engines.refuse_unsupported(engines.detect("8.0.36"))


@pytest.mark.parametrize(
    ("version", "statement"),
    [
        ("8.0.21", "SHOW SLAVE STATUS"),
        ("5.7.44-log", "SHOW SLAVE STATUS"),
        ("8.0.22", "SHOW REPLICA STATUS"),
        ("9.7.4", "SHOW REPLICA STATUS"),
        ("10.4.1-MariaDB", "SHOW ALL SLAVES STATUS"),
    ],
)
def test_an_older_server_is_asked_in_its_own_words(version, statement):
    assert standing.asking(engines.detect(version)) == statement


REFUSED = {
    "mysql": set(),
    "mariadb": set(),
    "aurora": set(),
    "group_replication": set(),
    "galera": {*engines.ONLINE, "partition expire", "migrate --partitioned"},
    "multi_primary": {*engines.ONLINE, "partition expire", "migrate --partitioned"},
    "tidb": {*engines.ONLINE, "partition expire", "migrate --partitioned"},
    "oceanbase": {*engines.ONLINE, "partition expire"},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_kind_refuses(kind):
    commands = (*engines.ONLINE, "partition expire", "migrate --partitioned", "migrate", "cleanup", "partition ensure")
    found = {command: CAPABILITIES[kind].refuses(command) for command in commands}
    assert {command for command, why in found.items() if why} == REFUSED[kind]


def test_an_arbitrator_of_a_galera_cluster_is_no_node():
    assert nodes.places("10.0.0.1:3306,,10.0.0.2:3306") == ["10.0.0.1:3306", "10.0.0.2:3306"]
    assert nodes.places("AUTO,10.0.0.2:3306") == ["AUTO", "10.0.0.2:3306"]
