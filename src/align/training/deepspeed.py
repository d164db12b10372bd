"""What DeepSpeed is told. It was never run here: the settings are checked against its documentation's fields only."""

from typing import Any, Literal

Distribution = Literal["ddp", "fsdp2", "zero2", "zero3"]


def deepspeed_config(distribution: Distribution) -> dict[str, Any]:
    """A DeepSpeed config (www.deepspeed.ai/docs/config-json); "auto" is filled in by transformers from its own arguments.

    The optimizer stays align's, so none is named here. Gradients of the micro-batches of a step are summed as the trainer says.
    """
    stage = 3 if distribution == "zero3" else 2
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_scatter": True,
        "reduce_bucket_size": "auto",
    }
    if stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": "auto",
            "stage3_param_persistence_threshold": "auto",
            # else a saved model would be empty
            "stage3_gather_16bit_weights_on_model_save": True,
        }
    return {
        "bf16": {"enabled": "auto"},
        "zero_optimization": zero,
        "gradient_accumulation_steps": 1,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_clipping": "auto",
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 1_000_000_000,
        "wall_clock_breakdown": False,
    }
