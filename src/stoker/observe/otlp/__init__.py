"""Traces, metrics and logs, exported by OpenTelemetry's protocol (ADR 21)."""
