"""From log records to the bytes Dynatrace takes: OTLP, its packing into requests, and the JSON form of it."""
