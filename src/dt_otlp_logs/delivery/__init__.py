"""Delivery: payloads wait in a queue, one loop sends them, one table turns answers into verdicts."""
