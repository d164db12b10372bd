"""Tasks of lm-eval: it says what is asked and what is right, align's own models answer."""

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from align.errors import InputError
from align.evaluation.benchmarks.asked import Asked
from align.evaluation.benchmarks.benchmark import CODE_REFUSED, Benchmark, Outcome
from align.parts import Lack, RawFile, nearest

EXTRA = "pip install 'align-lm[eval]' (from a checkout: pip install -e '.[eval]')"
CODE_TASKS = ("humaneval", "mbpp")
"""How the names of tasks begin that run what a model wrote; the others say so themselves (`unsafe_code`)."""
ASKABLE = ("multiple_choice", "generate_until")


class Harness(Benchmark):
    """A task that lm-eval ships, or one of your own in its YAML: prompts, solved examples and metric are its own.

    Its `arc_easy`, `hellaswag` and the like score the option's text; phi-3's figures are by letter: they are other metrics. Needs
    the extra `eval`, and the task's data set from the hub or in the hub's cache. Questions that a model cannot read whole are
    left out, not cut as lm-eval does. YAML in `include` may name Python functions, which are run: use your own only.
    """

    kind: Literal["lm_eval"] = "lm_eval"
    revision: str | None = None
    """The commit of its data set on the hub, so that it stays the same. A task of `include` that reads local files needs none;
    then the tasks that lm-eval ships are not looked at."""
    include: RawFile | None = None
    """A folder with tasks of your own: YAML and the files that it reads (data_files are relative to where align runs)."""
    score: str | None = None
    """Which of the task's metrics, e.g. acc_norm; by default its first."""
    filter: str | None = None
    """Which of its filters takes the answer out of a text, e.g. flexible-extract; by default its first."""
    seed: int = 1234
    """Draws the solved examples, where the task draws them."""

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        if self.name.startswith(CODE_TASKS):
            raise ValueError(f"{self.name} cannot be scored here: {CODE_REFUSED}")
        if self.revision is None and self.include is None:
            raise ValueError(
                "write revision: the commit of the task's data set on the hub (its page, Files, History), or include: a folder "
                "with a task that reads local files"
            )
        return self

    @property
    def metric(self) -> str:
        return f"accuracy_by_lm_eval_{self.score}" if self.score else "accuracy_by_lm_eval"

    @property
    def judge(self) -> str:
        return "lm_eval"

    @property
    def made_by(self) -> str:
        return f"lm-eval {version('lm_eval')}" if find_spec("lm_eval") else ""

    def words(self) -> str:
        return f"{super().words()}, {self.made_by}"

    def lacks(self) -> list[Lack]:
        return [] if find_spec("lm_eval") else [Lack("kind", "lm-eval is not installed", EXTRA)]

    def put_to(self, asked: Asked) -> list[Outcome]:
        from lm_eval.evaluator import evaluate

        from align.evaluation.benchmarks.harness_model import AskedModel

        tasks = self._tasks()
        model = AskedModel(asked, self.name)
        found = evaluate(
            model,
            {"tasks": tasks},
            limit=self.limit,
            bootstrap_iters=0,
            apply_chat_template=self.chat_template,
            fewshot_as_multiturn=self.chat_template,
        )
        return [
            outcome
            for name, task in tasks.items()
            for outcome in self._outcomes(name, task, found["samples"][name], model.too_long)
        ]

    def _tasks(self) -> dict[str, Any]:
        """The task, or those of a group, with as many solved examples as are wanted."""
        manager = _manager(self.include, self.revision is not None)
        if self.name not in manager.all_tasks:
            raise InputError(f"lm-eval has no task {self.name!r}; {nearest(self.name, manager.all_tasks)[:400]}")
        changed: dict[str, Any] = {"num_fewshot": self.shots}
        if self.revision is not None:
            changed["dataset_kwargs"] = {"revision": self.revision}
        try:
            # `load` changes nothing of a named task; its factory does, of a task, a group's tasks and those of a tag alike
            built = manager._factory.build(manager.task_index[self.name], overrides=changed, registry=manager.task_index)
            tasks = manager.load(built if isinstance(built, list) else [built])["tasks"]
        except Exception as error:  # whatever `datasets` and the hub raise
            raise InputError(
                f"lm-eval's task {self.name}: its data set cannot be read: {_first_line(error)}. It comes from the hub or its "
                f"cache: run once with a network (HF_HUB_OFFLINE unset), copy ~/.cache/huggingface from a machine that has one, "
                f"or keep the data in files and name a task that reads them (include:, or kind multiple_choice or open_answer)."
            ) from error
        for name, task in tasks.items():
            _check_askable(name, task)
            task.set_fewshot_seed(seed=self.seed)
        return dict(tasks)

    def _outcomes(
        self, name: str, task: Any, samples: list[dict[str, Any]], too_long: Mapping[tuple[str, int], str]
    ) -> Iterator[Outcome]:
        filters = list(dict.fromkeys(sample["filter"] for sample in samples))
        wanted = self.filter if self.filter is not None else filters[0]
        if wanted not in filters:
            raise InputError(f"lm-eval's task {name} has no filter {wanted!r}; {nearest(wanted, filters)}")
        metric = self.score if self.score is not None else samples[0]["metrics"][0]
        for sample in samples:
            if sample["filter"] != wanted:
                continue
            number = sample["doc_id"]
            options = len(task.doc_to_choice(sample["doc"])) if task.OUTPUT_TYPE == "multiple_choice" else 0
            yield Outcome(
                f"{self.name}/{name}/{number}" if name != self.name else f"{name}/{number}",
                name if name != self.name else "",
                tuple(value.strip() for value in sample["doc"].values() if isinstance(value, str)),
                _score(name, metric, sample),
                f"{metric}: {sample['filtered_resps']!s:.200}; right is {sample['target']!s:.80}",
                options,
                too_long.get((name, number), ""),
            )


@lru_cache(maxsize=4)  # lm-eval reads fifteen thousand files to know its own tasks
def _manager(include: Path | None, with_shipped: bool) -> Any:
    from lm_eval.tasks import TaskManager

    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it tells the defaults of every task
    return TaskManager(include_path=None if include is None else str(include), include_defaults=with_shipped)


def _score(name: str, metric: str, sample: dict[str, Any]) -> float:
    value = sample.get(metric)
    known = [item for item in sample["metrics"] if isinstance(sample[item], (int, float))]
    if metric not in sample["metrics"] or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InputError(
            f"lm-eval's task {name}: score {metric!r} gives no figure from 0 to 1 for each question; {nearest(metric, known)}"
        )
    return float(value)


def _check_askable(name: str, task: Any) -> None:
    if getattr(task, "UNSAFE_CODE", False):
        raise InputError(f"lm-eval's task {name} cannot be scored here: {CODE_REFUSED}")
    if task.OUTPUT_TYPE not in ASKABLE:
        raise InputError(
            f"lm-eval's task {name} wants {task.OUTPUT_TYPE}; align asks tasks of the types {' and '.join(ASKABLE)}. Export the "
            f"model (`align export`) and run lm_eval on it."
        )
    asked_for = getattr(task.config, "generation_kwargs", None) or {}
    if task.OUTPUT_TYPE == "generate_until" and (asked_for.get("do_sample") or task.config.repeats > 1):
        raise InputError(f"lm-eval's task {name} draws its answers at random; align asks at temperature 0. Name another variant.")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
