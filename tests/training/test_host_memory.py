from dataclasses import replace

from align.training.host_memory import PROCESS, host_memory
from align.training.launch import Launch
from align.training.memory import Frozen, Setting, memory_of
from align.training.shapes import Shape

# one layer of 1,000 parameters, 900 of them in matrices, and 200 outside; width 10, feed-forward 20, vocabulary 10
TOY = Shape(1, 10, 20, 10, layer_parameters=1000, outside_parameters=200, layer_matrices=900, embeddings=200)


def on(processes: int, distribution: str, machines: int = 1, **fields) -> Setting:
    return Setting(6, 6, Launch(processes=processes, machines=machines, distribution=distribution), **fields)


def test_a_divided_model_is_read_a_matrix_at_a_time_by_the_first_process():
    host = host_memory(TOY, on(8, "fsdp2", machines=4), by_name=True, is_new=False)
    assert host.processes == 2 * PROCESS
    # twice gate and up of 2 * 10 * 20, and the ends of 200, at four bytes; AdamW's 8 bytes of a share of 1,200 / 8, twice
    assert (host.reading, host.saving) == (4 * (2 * 400 + 200), 2 * 8 * 150)
    assert host.gigabytes == (2 * PROCESS + 4000) / 1e9
    assert host.moment == "while weights are read"


def test_where_a_matrix_cannot_be_read_alone_the_first_process_holds_the_model():
    for by_name, is_new in ((False, False), (True, True)):
        host = host_memory(TOY, on(8, "fsdp2"), by_name, is_new)
        assert host.reading == 4 * (1200 + 2 * 400)


def test_without_a_division_each_process_reads_the_whole_model():
    for distribution in ("ddp", "zero2", "zero3"):
        host = host_memory(TOY, on(8, distribution, machines=2), by_name=True, is_new=False)
        assert (host.reading, host.saving) == (4 * 4 * 1200, 4 * 1200), distribution


def test_an_adapter_is_little_to_save_and_its_base_is_read_in_bfloat16():
    frozen = Frozen(trained=50, matrix_bytes=2)
    host = host_memory(TOY, on(2, "fsdp2", frozen=frozen), by_name=True, is_new=False)
    assert (host.reading, host.saving) == (2 * (2 * 400 + 200), 2 * 8 * 50 / 2)
    quantized = host_memory(TOY, on(2, "ddp", frozen=replace(frozen, matrix_bytes=0.5)), by_name=True, is_new=False)
    assert quantized.reading == 2 * 2 * 2 * 400  # each rounds one matrix after the other on its GPU


def test_without_gpus_it_is_what_the_processes_take_together():
    setting = Setting(6, 6, Launch(processes=4, machines=2, device="cpu", distribution="fsdp2"))
    host = host_memory(TOY, setting, by_name=True, is_new=False)
    assert host.gigabytes == 2 * memory_of(TOY, setting).gigabytes
