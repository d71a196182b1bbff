"""Which engine a run computes with: this process, processes beside it, or a Ray cluster.

Read `engine_of`.
"""

from precompute.config import RunConfig
from precompute.pipeline.executors import Executor, executor_of
from precompute.pipeline.ray_engine import RayData


def engine_of(config: RunConfig) -> Executor:
    """The executor that the settings name."""
    return RayData(config.workers, config.device) if config.engine == "ray" else executor_of(config.workers)
