"""Writers of every node change the very rows that retention takes: none is lost, and none is archived with an older value."""

from __future__ import annotations

import random
import threading

import coldstore
import pymysql
import pytest
from sessions import Holder, answer, begin, until

from clusters.scene import DEVELOPMENT, SEED, TABLE, Scene

PAUSE = 0.005  # seconds at most between two changes: two cores are to serve three servers and rlops too
REFUSED = {1213, 1205, 1180, 3101, 1020}  # a conflict with retention or with another node: the writer's own to repeat


class Writer(threading.Thread):
    """Changes every n-th row, and knows what the cluster has acknowledged: id to reward, in hundredths."""

    def __init__(self, scene, node, number, of):
        super().__init__(daemon=True)
        self.scene, self.node, self.stop = scene, node, threading.Event()
        self.ids = scene.before[number::of]
        self.random = random.Random(f"{SEED}/{number}")
        self.known, self.conflicts, self.errors, self.missed = {}, 0, [], 0

    def run(self):
        with self.node.connect(database=self.scene.name) as connection, connection.cursor() as cursor:
            while not self.stop.wait(self.random.random() * PAUSE):
                row, value = self.random.choice(self.ids), self.random.randrange(1, 90_000)
                try:
                    changed = cursor.execute(f"UPDATE {TABLE} SET reward = %s / 100 WHERE id = %s", (value, row))
                except pymysql.err.MySQLError as error:
                    if error.args[0] in REFUSED:
                        self.conflicts += 1
                    else:
                        self.errors.append(error.args)
                    continue
                if changed:
                    self.known[row] = value
                else:
                    self.missed += 1


def test_rows_that_change_on_other_nodes_meanwhile(cluster, shop_on, tmp_path, record_property):
    scene = Scene(cluster, shop_on, "cleanup", tmp_path)
    nodes = (cluster.writers * 3)[:3]
    writers = [Writer(scene, node, number, len(nodes)) for number, node in enumerate(nodes)]
    for writer in writers:
        writer.start()
    try:
        said = answer(scene.run())
    finally:  # else they write on while the schema is dropped, and a member of a group that can't follow leaves it
        for writer in writers:
            writer.stop.set()
            writer.join()
    assert said["exit_code"] in (0, 3), said["error"]
    scene.finish()
    scene.settled()
    assert [error for writer in writers for error in writer.errors] == []
    archived = {row: int(reward * 100) for row, reward in coldstore.rows(scene.cold, "id, reward")}
    known = {row: value for writer in writers for row, value in writer.known.items()}
    assert known and {row: archived[row] for row in known} == known
    record_property("acknowledged changes", len(known))
    record_property("conflicts", sum(writer.conflicts for writer in writers))


@pytest.mark.kinds("galera", "group-multi")
def test_a_job_is_asked_from_another_node_while_its_row_is_written(cluster, shop_on, tmp_path):
    scene = Scene(cluster, shop_on, "cleanup", tmp_path)
    first, other = cluster.writers[0], shop_on(cluster.writers[1])
    holder = Holder(scene.shop, f"SELECT id FROM {TABLE} WHERE timestamp < '2100-01-01' FOR UPDATE")
    cleanup = ("cleanup", "--months", "12", "--yes", "--no-archive", "--retry-for", "600", *DEVELOPMENT)
    process = begin(scene.shop, *cleanup)
    until(lambda: scene.shop.query("SELECT id FROM rlops_job WHERE state = 'running'"), "the job is under way")
    over = threading.Event()

    def chunks():
        with first.connect(database=scene.name) as connection, connection.cursor() as cursor:
            while not over.wait(0.02):
                try:
                    cursor.execute("UPDATE rlops_job SET total_rows = total_rows + 1")
                except pymysql.err.MySQLError as error:
                    assert error.args[0] in REFUSED, error

    writers = [threading.Thread(target=chunks) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(10):
            other.cli("jobs", "pause", *DEVELOPMENT)
            other.cli("jobs", "resume", *DEVELOPMENT)
    finally:
        over.set()
        for writer in writers:
            writer.join()
        process.terminate()
        holder.end()
    assert answer(process)["exit_code"] == 130
