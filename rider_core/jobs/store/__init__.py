"""The job store: the records of all jobs in Redis, with leases, results, dead letters and metrics.

Each step of a job's life is one Redis function, so a process may die between any two of them and nothing is lost.
Hashes, registries and worker records are as RQ 3.0.0 has them, so RQ's tools show them.
See docs/decisions/0002-leases-instead-of-intermediate-queues.md.
"""
