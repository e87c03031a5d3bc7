#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads OpenMetrics with the strict parser of Prometheus' Python client (Debian's
python3-prometheus-client). Prints "families samples", or with --samples each sample as
`name{label="value",...} value`, sorted. Fails on what the parser does not take."""
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

text = sys.stdin.buffer.read().decode("utf-8")
families = list(text_string_to_metric_families(text))
samples = [sample for family in families for sample in family.samples]
for family in families:
    assert family.documentation, f"{family.name} has no HELP"
    assert family.type != "unknown", f"{family.name} has no TYPE"
if "--samples" in sys.argv:
    for sample in sorted(samples, key=lambda s: (s.name, sorted(s.labels.items()))):
        labels = ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()) if v)
        print(f"{sample.name}{{{labels}}} {float(sample.value)!r}")
else:
    print(len(families), len(samples))
