"""What `scripts/bench_latency.py` is made of: what is measured, beside whom, how it is told."""
