"""Logs, metrics and traces, for the people who operate a gateway.

``logs`` formats what every module logs. ``metrics`` counts requests and serves ``/metrics``;
``shared_metrics`` adds up the numbers of several worker processes, and ``shared_text`` keeps
frequent scrapes cheap. ``tracing`` sends OpenTelemetry spans and needs the extra ``otel``.
"""
