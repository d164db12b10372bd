"""Blocks in the Trainer of transformers. Imports torch and transformers, so stages import it inside `run`."""

from collections.abc import Iterator
from typing import Any

import torch
from transformers import TrainingArguments

from align.training.exact import BlockTrainer
from align.training.job import Job
from align.training.trainer import arguments, on_one_gpu, prepare


class OrderedBatches(torch.utils.data.Sampler[list[int]]):  # type: ignore[misc] # torch is skipped by mypy
    """The batches of one epoch after the other in the order of the stream, which is shuffled already."""

    def __init__(self, blocks_per_epoch: int, batch_size: int) -> None:
        self.count, self.batch_size = blocks_per_epoch, batch_size
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        first = self.epoch * self.count
        for start in range(first, first + self.count, self.batch_size):
            yield list(range(start, min(start + self.batch_size, first + self.count)))


def block_trainer(model: Any, tokenizer: Any, job: Job) -> Any:
    """A model in a trainer that reads the blocks of a stream in their order."""
    settings = on_one_gpu(TrainingArguments(**arguments(job), remove_unused_columns=False))
    trainer = prepare(BlockTrainer(model=model, args=settings, train_dataset=job.items, processing_class=tokenizer), job)
    trainer.batches = OrderedBatches(len(job.items) // job.stage.epochs, job.stage.batch_size)
    return trainer
