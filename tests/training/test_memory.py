from dataclasses import replace

import pytest

from align.training.launch import Launch
from align.training.memory import Frozen, Setting, disk_bytes, gpus_that_fit, memory_of, training_flops, whole_while_read
from align.training.shapes import Shape, known_shape, shape_of

# one layer of 1,000 parameters, 900 of them in matrices, and 200 outside; width 10, feed-forward 20, vocabulary 10
TOY = Shape(1, 10, 20, 10, layer_parameters=1000, outside_parameters=200, layer_matrices=900, embeddings=200)
ONE = Setting(tokens=6, scored=6)


def on(processes: int, distribution: str, **fields) -> Setting:
    return replace(ONE, launch=Launch(processes=processes, distribution=distribution), **fields)


def test_one_gpu_holds_sixteen_bytes_a_parameter_and_a_copy_in_bfloat16():
    memory = memory_of(TOY, ONE)
    # 1,200 parameters: 4 bytes of weights, 4 of gradients, 8 of AdamW, 2 of the copy
    assert (memory.weights, memory.gradients, memory.optimizer, memory.gathered) == (4800, 4800, 9600, 2400)
    # 6 tokens: 2 * 10 bytes kept a layer, 34 * 10 + 8 * 20 = 500 inside one; logits of 2 + 4 + 4 bytes
    assert (memory.activations, memory.logits) == (6 * 20 + 6 * 500, 6 * 10 * 10)
    assert memory.reference == 0


def test_without_recomputation_every_layer_keeps_all():
    two = replace(TOY, layers=2)
    assert memory_of(two, replace(ONE, recomputes=False)).activations == 2 * 6 * 500
    assert memory_of(two, ONE).activations == 2 * 6 * 20 + 6 * 500


def test_fsdp_divides_the_state_and_gathers_two_layers():
    memory = memory_of(TOY, on(4, "fsdp2", has_reference=True))
    assert (memory.weights, memory.gradients, memory.optimizer) == (1200, 1200, 2400)
    # two layers of 1,000 and two matrices of 10 * 10, at 2 bytes
    assert memory.gathered == 2 * 2 * 1000 + 2 * 2 * 100
    assert memory.reference == 600


def test_ddp_holds_all_and_buffers_for_gradients():
    memory = memory_of(TOY, on(4, "ddp"))
    assert (memory.weights, memory.gradients, memory.optimizer) == (4800, 9600, 9600)


def test_zero_is_as_its_authors_have_it():
    # Rajbhandari et al. §5: 2 N + 14 N / W with zero2, 16 N / W with zero3
    second, third = (memory_of(TOY, on(4, name)) for name in ("zero2", "zero3"))
    assert (second.weights, second.gradients + second.optimizer) == (2 * 1200, 14 * 1200 / 4)
    assert third.weights + third.gradients + third.optimizer == 16 * 1200 / 4


def test_an_adapter_leaves_frozen_weights_without_gradients_and_state():
    memory = memory_of(TOY, replace(ONE, frozen=Frozen(trained=50, matrix_bytes=2)))
    # 1,200 in bfloat16 and 50 in float32
    assert (memory.weights, memory.gradients, memory.optimizer, memory.gathered) == (2400 + 200, 200, 400, 0)
    small = memory_of(TOY, replace(ONE, frozen=Frozen(trained=50, matrix_bytes=2, trained_bytes=2)))
    assert (small.weights, small.gradients, small.optimizer) == (2400 + 100, 100, 200)


def test_matrices_of_four_bits_are_divided_on_gpus_and_one_is_unpacked_at_a_time():
    frozen = Frozen(trained=50, matrix_bytes=0.5)
    memory = memory_of(TOY, replace(ONE, frozen=frozen))
    # 900 at half a byte, the other 300 at two, the adapter at four; a matrix of 10 * 20 in bfloat16
    assert (memory.weights, memory.gathered) == (450 + 600 + 200, 400)
    two = on(2, "fsdp2", frozen=frozen)
    assert memory_of(TOY, two).weights == 225 + 300 + 100
    # before that each GPU is given all of them; DeepSpeed is not known to divide them, and on CPUs accelerate does not
    assert whole_while_read(TOY, two) == 450 + 600
    assert memory_of(TOY, on(2, "zero3", frozen=frozen)).weights == 450 + 300 + 100
    on_cpus = replace(two, launch=Launch(processes=2, device="cpu", distribution="fsdp2"))
    assert memory_of(TOY, on_cpus).weights == 450 + 2 * 300 + 100
    for setting in (ONE, on(2, "ddp", frozen=frozen), on(2, "zero3", frozen=frozen), on_cpus, on(2, "fsdp2")):
        assert whole_while_read(TOY, setting) == 0


def test_eight_bits_of_state_spare_the_matrices_only():
    # 1,000 in two bytes, the 200 of the embeddings in eight
    assert memory_of(TOY, replace(ONE, optimizer="adamw_8bit")).optimizer == 2000 + 1600


def test_on_the_processor_arithmetic_is_float32_and_nothing_is_copied():
    memory = memory_of(TOY, replace(ONE, launch=Launch(device="cpu"), has_reference=True))
    assert (memory.weights, memory.gathered, memory.reference) == (4800, 0, 4800)
    assert memory.activations == 2 * memory_of(TOY, ONE).activations


def test_qlora_of_65b_is_what_its_authors_found():
    shape = shape_of(known_shape("llama-65b"))
    assert shape is not None
    # Dettmers et al. 2023: less than 48 GB to tune 65B. r = 16 on all linear modules of 80 layers is 200 M parameters.
    frozen = Frozen(200_000_000, 0.5 + 1 / 64 + 4 / 16384)
    memory = memory_of(shape, Setting(2048, 2048, frozen=frozen))
    assert memory.weights / 1e9 == pytest.approx(34.5 + 0.8, abs=0.1)
    assert 40 < memory.gigabytes < 48


def test_operations_are_six_a_parameter_and_more_for_recomputing_and_a_reference():
    assert training_flops(TOY, 10, replace(ONE, recomputes=False)) == 6 * 1200 * 10
    assert training_flops(TOY, 10, replace(ONE, has_reference=True)) == 10 * 1200 * 10
    # frozen weights have no gradients of their own
    assert training_flops(TOY, 10, replace(ONE, frozen=Frozen(50, 2))) == 10 * (6 * 1200 + 2 * 50)


def test_disk_holds_a_model_an_epoch_and_two_checkpoints_with_the_optimizer():
    assert disk_bytes(TOY, epochs=15) == {"checkpoints": 2 * 12 * 1200, "models": 15 * 4 * 1200}
    assert disk_bytes(TOY, 15, Frozen(50, 2)) == {"checkpoints": 2 * 12 * 50, "models": 15 * 4 * 50}


@pytest.mark.parametrize(("gigabytes", "said"), [(12.0, "GPUs of 16 GB"), (45.0, "GPUs of 48 GB"), (500.0, "no GPU")])
def test_the_smallest_gpu_that_fits_is_named(gigabytes, said):
    assert said in gpus_that_fit(gigabytes)
