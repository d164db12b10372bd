"""What a training needs around it: repeatable arithmetic, and silence. Imports torch and transformers."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers.utils import logging as transformers_logging


@contextmanager
def repeatable() -> Iterator[None]:
    """Make arithmetic on the CPU repeatable: as many threads as OMP_NUM_THREADS says, else two, and deterministic algorithms.

    The number of threads decides in which order sums are taken, so it must not follow the machine. On GPUs the order of sums is
    left to the kernels: weights then agree from run to run up to rounding.
    """
    if torch.cuda.is_available():
        yield
        return
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2").split(",")[0]))
    torch.use_deterministic_algorithms(True)
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False  # for debugging only, and slow
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = filled
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


@contextmanager
def quiet() -> Iterator[None]:
    """No chatter of transformers and datasets on the terminal, and nothing written to the user's caches."""
    import datasets

    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.utils.logging.disable_progress_bar()
    datasets.disable_caching()
    try:
        with warnings.catch_warnings():
            # TRL 1.16 still reads the old name of a property that transformers 5.23 has renamed.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            # Paging moves an optimizer's state between a GPU's memory and the host's; on the CPU there is nothing to move.
            warnings.filterwarnings("ignore", "Paged optimizers are not supported on CPU", UserWarning)
            yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
