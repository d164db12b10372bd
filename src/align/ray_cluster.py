"""Shards as tasks of a Ray cluster: the one that runs, or one of our own on this machine."""

import os
import pickle
import socket
from collections.abc import Iterator
from typing import Any

from align.errors import ProcessKilled, RecipeError
from align.shard_orders import Orders
from align.shard_worker import carry_out

ADDRESS = "RAY_ADDRESS"
RETRIES = 3
PATIENCE_SECONDS = 10.0

_ours = False
"""Whether this process joined the cluster, and so has to leave it."""


def run_on_ray(orders: Orders, workers: int) -> Iterator[tuple[str | None, Any]]:
    """The answer to each order by its name, as they come. A task whose worker dies is done again, up to three times.

    Whoever takes an answer may put further orders. Some tasks more than there are cores wait in Ray; the others here, so that
    urgent ones can pass.
    """
    ray = _joined(workers)
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(carry_out)
    at_work: dict[Any, str] = {}
    try:
        while orders.missing:
            at_once = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))  # asked again: a cluster grows with what waits
            while len(at_work) < at_once and (given := orders.take_now()) is not None:
                at_work[remote.remote(given[1])] = given[0]
            (done,), _ = ray.wait(list(at_work), num_returns=1)
            try:
                answer = ray.get(done)
            except ray.exceptions.RayError as error:
                said = " ".join(str(error).split())[:300]
                raise ProcessKilled(
                    f"the Ray worker at work on {at_work[done]} died {RETRIES + 1} times ({type(error).__name__}: {said}). "
                    f"The same command goes on: what is finished is kept and not read again."
                ) from error
            orders.missing -= 1
            yield at_work.pop(done), pickle.loads(answer)
    finally:
        for task in at_work:
            ray.cancel(task, force=True)


def leave_cluster() -> None:
    """Leave the cluster; one of our own ends."""
    global _ours
    if _ours:
        import ray

        ray.shutdown()
        _ours = False


def _joined(workers: int) -> Any:
    """The module `ray`, connected: to $RAY_ADDRESS, to a cluster that runs on this machine, else to one of our own."""
    global _ours
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what it will do some day
    try:
        import ray
    except ImportError as error:
        raise RecipeError(
            f"engine: ray: the package is not installed ({error}). `pip install 'align-lm[distributed]'`, or leave engine out."
        ) from error
    if ray.is_initialized():
        return ray
    _refuse_unreachable()
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        alone = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        ray.init(address="local", num_cpus=workers or None, **quiet, **alone)
    _ours = True
    return ray


def _refuse_unreachable() -> None:
    """Ray itself would wait for minutes, and then end the process."""
    address = os.environ.get(ADDRESS, "")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():  # `auto`, `local`, or nothing
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
    except OSError as error:
        raise RecipeError(
            f"engine: ray: no cluster answers at {ADDRESS}={address}: {error.strerror or error}. "
            f"Start it (`ray start --head`), or unset {ADDRESS}: then a Ray of its own is started on this machine."
        ) from error
