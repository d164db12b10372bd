"""Adapters with a plain loop; through the stages in test_adapter_stages.py."""

import json
from pathlib import Path

import pytest
import torch
from small_models import as_artifact
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from align.errors import InputError, TrainingRefused
from align.models import ModelPlace, base_folder, model_at, model_place, point_at_base, point_at_folder, take_checkpoint
from align.parts import Part
from align.tokens import EOT
from align.training.adapters import Adapter, Lora, QLora, trainable_parameters
from align.training.adapting import frozen_base, put_adapter, row_weights, save_adapter
from align.training.preflight import check_gradients
from align.training.surroundings import quiet

SIZES = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "num_hidden_layers": 2}
FAMILIES = ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3", "phi", "gpt_neox", "gpt2"]
NEW = 40
"""The id of a token that is added to a vocabulary of 40."""
IDS = torch.arange(21, 41).roll(5).reshape(2, 10)  # the new token in the middle, where it is read and written


def save_base(folder: Path, family: str = "llama", **more) -> ModelPlace:
    torch.manual_seed(1)
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    sizes = SIZES | ({"head_dim": 8} if family in ("gemma", "qwen3") else {})
    if family == "gpt2":
        sizes = {"n_embd": 32, "n_head": 4, "n_layer": 2}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, vocab_size=NEW, **special, **sizes, **more))
    model.save_pretrained(folder)
    return ModelPlace(str(folder))


def adapt(place: ModelPlace, adapter: Adapter, work: Path, tokens=(NEW,), seed: int = 1):
    with quiet():
        base = frozen_base(place, adapter, work)
        with torch.random.fork_rng():
            torch.manual_seed(9)
            base.resize_token_embeddings(NEW + 1, mean_resizing=False)
        return put_adapter(base, place, adapter, list(tokens), seed)


def trained(model) -> list:
    return [weights for weights in model.parameters() if weights.requires_grad]


def train(model, steps: int = 3):
    optimizer = torch.optim.AdamW(trained(model), lr=1e-2)
    model.train()
    torch.manual_seed(2)
    for _ in range(steps):
        model(IDS, labels=IDS).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def save(model, folder: Path, base: ModelPlace) -> ModelPlace:
    save_adapter(model, folder)
    GenerationConfig(eos_token_id=[NEW]).save_pretrained(folder)
    return ModelPlace(str(folder), base=base)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama") / "base")


def test_an_adapter_of_rank_r_has_r_times_in_and_out_weights_beside_each_matrix_and_the_rows_of_eot(llama, tmp_path):
    adapted = adapt(llama, Lora(rank=2), tmp_path)
    # a layer: q 32+32, k and v 32+16 each, o 32+32, gate and up 32+48 each, down 48+32: 464; the row of EOT twice, 32 each
    expected = 2 * (2 * 464) + 2 * 32
    assert sum(weights.numel() for weights in trained(adapted)) == expected
    assert trainable_parameters(json.loads(Path(llama.path, "config.json").read_text()), Lora(rank=2)) == expected


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("adapter", [Lora(rank=4), QLora(rank=4)], ids=["lora", "qlora"])
def test_what_is_planned_without_torch_is_what_is_trained_and_what_is_loaded_is_what_was_trained(tmp_path, family, adapter):
    place = save_base(tmp_path / "base", family)
    adapted = adapt(place, adapter, tmp_path)
    config = json.loads((tmp_path / "base" / "config.json").read_text())
    assert trainable_parameters(config, adapter) == sum(weights.numel() for weights in trained(adapted))
    train(adapted)
    loaded = model_at(save(adapted, tmp_path / "adapter", place), "float32").eval()
    assert torch.allclose(loaded(IDS).logits, adapted(IDS).logits, atol=1e-5)
    assert not any("lora" in name for name, _ in loaded.named_modules())  # merged: a model like any other
    assert type(loaded) is type(AutoModelForCausalLM.from_pretrained(place.path))


def test_a_family_without_known_modules_is_not_counted():
    assert trainable_parameters({"model_type": "mamba"}, Lora()) is None


def test_the_adapter_changes_nothing_before_its_first_step(llama, tmp_path):
    with quiet():
        plain = frozen_base(llama, Lora(), tmp_path)
        plain.resize_token_embeddings(NEW + 1, mean_resizing=False)
        before = plain.eval()(IDS).logits
        after = put_adapter(plain, llama, Lora(), [NEW], 1).eval()(IDS).logits
    assert torch.equal(before, after)


@pytest.mark.parametrize("tied", [False, True])
def test_only_the_rows_of_eot_move_and_both_of_them_do(tmp_path, tied):
    place = save_base(tmp_path / "base", tie_word_embeddings=tied)
    adapted = adapt(place, Lora(), tmp_path)
    inside, outside = adapted.get_input_embeddings(), adapted.get_output_embeddings()
    before = [module.weight.detach().clone() for module in (inside, outside)]
    train(adapted)
    for module, rows in zip((inside, outside), before, strict=True):
        moved = (module.weight.detach() != rows).any(dim=1)
        assert moved.nonzero().flatten().tolist() == [NEW]
    assert torch.equal(inside.weight[NEW], outside.weight[NEW]) == tied
    loaded = model_at(save(adapted, tmp_path / "adapter", place), "float32")
    assert (loaded.get_input_embeddings().weight is loaded.get_output_embeddings().weight) == tied
    assert torch.equal(loaded.get_output_embeddings().weight[NEW], outside.weight[NEW])


def test_the_bias_of_an_output_matrix_counts_in_training_as_in_use(tmp_path):
    # PEFT 0.21 leaves it out of the forward pass where rows of the matrix are trained
    place = save_base(tmp_path / "base", "phi")
    with quiet():
        phi = frozen_base(place, Lora(), tmp_path)
        phi.resize_token_embeddings(NEW + 1, mean_resizing=False)
        nn.init.normal_(phi.lm_head.bias)
        plain = phi.eval()(IDS).logits
        adapted = put_adapter(phi, place, Lora(), [NEW], 1).eval()
    assert torch.equal(adapted(IDS).logits, plain)
    with adapted.disable_adapter():
        assert torch.equal(adapted(IDS).logits, plain)


def first_gradients(model) -> set[int]:
    model.train()
    model(IDS, labels=IDS).loss.backward()
    return {id(weights) for weights in trained(model)}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("adapter", [Lora(), QLora()], ids=["lora", "qlora"])
def test_the_preflight_finds_the_gradients_of_the_rows_beside_an_adapter(tmp_path, tied, adapter):
    adapted = adapt(save_base(tmp_path / "base", tie_word_embeddings=tied), adapter, tmp_path)
    check_gradients(adapted, {EOT: NEW}, first_gradients(adapted))
    with pytest.raises(TrainingRefused, match="the row of other in the input embedding is not trained"):
        check_gradients(adapted, {"other": 3}, {id(weights) for weights in trained(adapted)})


def test_an_adapter_that_trains_no_rows_is_refused(llama, tmp_path):
    adapted = adapt(llama, Lora(), tmp_path, tokens=())
    with pytest.raises(TrainingRefused, match=r"the row of <\|eot\|> in the input embedding is not trained"):
        check_gradients(adapted, {EOT: NEW}, first_gradients(adapted))


def test_rows_that_get_no_gradient_are_refused(llama, tmp_path):
    adapted = adapt(llama, Lora(), tmp_path)
    rows, _ = row_weights(adapted.get_output_embeddings(), NEW)
    rows.register_hook(torch.zeros_like)
    with pytest.raises(TrainingRefused, match="in the output embedding got a gradient of zero"):
        check_gradients(adapted, {EOT: NEW}, first_gradients(adapted))


@pytest.mark.parametrize("adapter", [Lora(), QLora(), Lora(dtype="bfloat16"), QLora(dtype="bfloat16")])
def test_adapter_and_optimizer_state_have_the_dtype_of_the_recipe(llama, tmp_path, adapter):
    adapted = adapt(llama, adapter, tmp_path)
    wanted = getattr(torch, adapter.dtype)
    assert {weights.dtype for weights in trained(adapted)} == {wanted}
    optimizer = torch.optim.AdamW(trained(adapted))
    adapted(IDS, labels=IDS).loss.backward()
    optimizer.step()
    assert {state["exp_avg"].dtype for state in optimizer.state.values()} == {wanted}


def test_the_start_is_the_seeds_and_leaves_other_random_numbers_alone(llama, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = adapt(llama, Lora(), tmp_path, seed=7)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(6)
    same, other = adapt(llama, Lora(), tmp_path, seed=7), adapt(llama, Lora(), tmp_path, seed=8)
    pairs = list(zip(trained(one), trained(same), trained(other), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


def test_names_choose_the_modules_and_a_wrong_one_is_told_with_those_there_are(llama, tmp_path):
    adapted = adapt(llama, Lora(targets=("q_proj", "mlp.down_proj")), tmp_path)
    names = {name for name, module in adapted.named_modules() if hasattr(module, "lora_A")}
    ends = ["model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj"]
    assert sorted(name.removeprefix("base_model.model.") for name in names if ".0." in name) == ends
    config = json.loads(Path(llama.path, "config.json").read_text())
    # two layers: rank 16 beside 32+32 and 48+32
    assert trainable_parameters(config, Lora(targets=("q_proj", "mlp.down_proj"))) == 2 * 16 * (64 + 80) + 64
    told = (
        r"adapter\.targets: 'k_prj': the model \(llama\) has no such linear module; did you mean 'k_proj'\?.*down_proj, gate_proj"
    )
    with pytest.raises(TrainingRefused, match=told):
        adapt(llama, Lora(targets=("q_proj", "k_prj")), tmp_path)
    with pytest.raises(TrainingRefused, match="EOT's rows are trained in any case"):
        adapt(llama, Lora(targets=("lm_head",)), tmp_path)


def test_a_recipe_chooses_a_kind_and_no_targets_are_an_error():
    chosen = Adapter.model_validate({"kind": "qlora", "rank": 64, "double_quantization": False})
    assert chosen == QLora(rank=64, double_quantization=False)
    assert Part.families["adapter"] is Adapter
    with pytest.raises(ValueError, match="names no module"):
        Lora(targets=())


def test_what_is_written_is_small_repeatable_and_without_a_place(llama, tmp_path):
    texts = []
    for name in ("one", "two"):
        adapted = train(adapt(llama, Lora(rank=4), tmp_path / name))
        save(adapted, tmp_path / name / "adapter", llama)
        texts.append({path.name: path.read_bytes() for path in (tmp_path / name / "adapter").iterdir()})
    assert texts[0] == texts[1]
    assert texts[0].keys() == {"adapter_config.json", "adapter_model.safetensors", "config.json", "generation_config.json"}
    assert not any(str(tmp_path).encode() in text or llama.path.encode() in text for text in texts[0].values())
    # 4 bytes for each of 4 * 464 * 2 + 64 weights, and at most 8 kB of names: no whole embedding
    assert len(texts[0]["adapter_model.safetensors"]) < 4 * (4 * 464 * 2 + 64) + 8192
    config = json.loads(texts[0]["adapter_config.json"])
    assert config["target_modules"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


def base_artifact(folder: Path, name: str, target: Path):
    point_at_folder(folder / name, target, "0" * 64)
    return as_artifact(folder / name, name, "base_model")


def tuned(folder: Path, base):
    """An artifact whose model is an adapter on the model of `base`."""
    place = model_place(base)
    save(train(adapt(place, Lora(), folder)), folder / "model", place)
    point_at_base(folder, base)
    return as_artifact(folder, "tuned", "sft")


def test_an_adapter_finds_its_base_after_the_store_was_moved(llama, tmp_path):
    store = tmp_path / "store"
    made = tuned(store / "tuned", base_artifact(store, "base", Path(llama.path)))
    before = model_at(model_place(made), "float32").eval()(IDS).logits
    store.rename(tmp_path / "elsewhere")
    moved = as_artifact(tmp_path / "elsewhere" / "tuned", "tuned", "sft")
    assert moved.content == made.content
    assert base_folder(moved.path) == tmp_path / "elsewhere" / "base"
    assert torch.equal(model_at(model_place(moved), "float32").eval()(IDS).logits, before)


def test_a_picked_checkpoint_of_an_adapter_finds_the_base_too(llama, tmp_path):
    made = tuned(tmp_path / "tuned", base_artifact(tmp_path, "base", Path(llama.path)))
    (tmp_path / "deep" / "picked").mkdir(parents=True)
    take_checkpoint(made, "last", tmp_path / "deep" / "picked")
    picked = as_artifact(tmp_path / "deep" / "picked", "picked", "pick_checkpoint")
    assert base_folder(picked.path) == tmp_path / "base"
    assert model_place(picked).base == model_place(made).base


def test_a_base_model_that_moved_is_found_through_the_stage_that_points_at_it_now(llama, tmp_path):
    store, folder = tmp_path / "store", tmp_path / "weights"
    save_base(folder)
    made = tuned(store / "tuned", base_artifact(store, "base", folder))
    folder.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="'tuned': its model is an adapter, and the model it was trained beside .* is gone"):
        model_place(made)
    base_artifact(store, "again", tmp_path / "moved")
    assert model_place(made).base == ModelPlace(str(tmp_path / "moved"))


def test_another_model_under_the_bases_name_is_not_taken_for_it(llama, tmp_path):
    made = tuned(tmp_path / "tuned", base_artifact(tmp_path, "base", Path(llama.path)))
    point_at_folder(tmp_path / "base", Path(llama.path), "1" * 64)  # trained anew on a GPU: other bytes
    as_artifact(tmp_path / "base", "base", "base_model")
    with pytest.raises(InputError, match=r"cannot be had: it is not in the store\. Run the recipe again"):
        model_place(made)


def test_an_adapter_on_an_adapter_is_merged_twice(llama, tmp_path):
    first = tuned(tmp_path / "first", base_artifact(tmp_path, "base", Path(llama.path)))
    place = model_place(first)
    second = adapt(place, Lora(targets=("q_proj",)), tmp_path / "work", seed=3)
    merged = model_at(place, "float32").eval()(IDS).logits
    with second.disable_adapter():
        assert torch.equal(second.eval()(IDS).logits, merged)  # as a reference for preferences
    train(second)
    loaded = model_at(save(second, tmp_path / "second", place), "float32").eval()
    assert torch.allclose(loaded(IDS).logits, second(IDS).logits, atol=1e-5)
    assert not torch.allclose(loaded(IDS).logits, merged, atol=1e-3)
