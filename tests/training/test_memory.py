import pytest

from align.training.launch import Launch
from align.training.memory import disk_bytes, gpu_memory, gpus_that_fit, training_flops
from align.training.shapes import Shape

# one layer of 1,000 parameters, 200 outside, width 10, feed-forward 20, vocabulary 10
TOY = Shape(1, 10, 20, 10, layer_parameters=1000, outside_parameters=200, layer_matrices=900, embeddings=200)


def test_one_gpu_holds_sixteen_bytes_a_parameter_and_a_copy_in_bfloat16():
    memory = gpu_memory(TOY, Launch(), texts=2, tokens=3, has_reference=False, scores_in_parts=False)
    # 1,200 parameters: 4 bytes of weights, 4 of gradients, 8 of AdamW, 2 of the copy
    assert (memory.weights, memory.gradients, memory.optimizer, memory.gathered) == (4800, 4800, 9600, 2400)
    # 6 tokens: 2 * 10 bytes kept a layer, 34 * 10 + 8 * 20 = 500 inside one; logits 10 * 10 each
    assert (memory.activations, memory.logits) == (6 * 20 + 6 * 500, 600)
    assert memory.reference == 0


def test_fsdp_divides_the_state_and_gathers_two_layers():
    memory = gpu_memory(
        TOY, Launch(processes=4, distribution="fsdp2"), texts=1, tokens=1, has_reference=True, scores_in_parts=True
    )
    assert (memory.weights, memory.gradients, memory.optimizer) == (1200, 1200, 2400)
    # two layers of 1,000 and two matrices of 10 * 10, at 2 bytes
    assert memory.gathered == 2 * 2 * 1000 + 2 * 2 * 100
    assert memory.reference == 600
    assert memory.logits == 8 * 1024 * 10


def test_ddp_holds_all_and_buffers_for_gradients():
    memory = gpu_memory(TOY, Launch(processes=4), texts=1, tokens=1, has_reference=False, scores_in_parts=True)
    assert (memory.weights, memory.gradients) == (4800, 9600)


def test_operations_are_six_a_parameter_and_more_for_recomputing_and_a_reference():
    assert training_flops(TOY, 10, has_reference=False, recomputes=False) == 6 * 1200 * 10
    assert training_flops(TOY, 10, has_reference=True, recomputes=True) == 10 * 1200 * 10


def test_disk_holds_a_model_an_epoch_and_two_checkpoints_with_the_optimizer():
    assert disk_bytes(TOY, epochs=15) == 15 * 4 * 1200 + 2 * 12 * 1200


@pytest.mark.parametrize(("gigabytes", "said"), [(12.0, "GPUs of 16 GB"), (45.0, "GPUs of 48 GB"), (500.0, "no GPU")])
def test_the_smallest_gpu_that_fits_is_named(gigabytes, said):
    assert said in gpus_that_fit(gigabytes)
