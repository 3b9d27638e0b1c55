"""Metrics in Prometheus's text form, written by its own client library; the file is replaced whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rlops.errors import Failed
from rlops.render.metrics import METRICS


class _Measured(Collector):
    """The samples of one look, each labelled with the server and the schema that it is of."""

    def __init__(self, data: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        self.data = data
        self.place = (str(target.get("host") or "localhost"), str(target.get("database") or ""))

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for metric in METRICS:
            kind = CounterMetricFamily if metric.name.endswith("_total") else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=("server", "database", *metric.labels))
            for labels, value in metric.samples(self.data):
                if value is not None:
                    family.add_metric((*self.place, *labels), float(value))
            if family.samples:
                yield family


def _registry(data: Mapping[str, Any], target: Mapping[str, Any]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Measured(data, target))
    return registry


def text(data: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """The metrics of one look. `target` is where it was measured, as the JSON document describes it."""
    return generate_latest(_registry(data, target)).decode()


def write(path: Path, data: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """Replace a file that node_exporter's textfile collector reads. Raises Failed when it can't be written."""
    try:
        write_to_textfile(str(path), _registry(data, target))
    except OSError as error:
        raise Failed(
            f"{path}: can't be written ({error.strerror})", "Name a file in a folder that you may write to."
        ) from error
