"""A Qwen3 of random weights, small, as a GGUF file with its tokenizer, and what the reference makes of a text: numbers to hold
our language model against.

    python qwen3_reference.py --out ../tests/fixtures/qwen3

The reference is transformers' Qwen3ForCausalLM in float32. The tokenizer has a token for each byte and Qwen's marks.
"""

import argparse
import json
from pathlib import Path

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import Qwen3Config, Qwen3ForCausalLM

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
TEXT = "<|im_start|>user\na red fox<|im_end|>\n<|im_start|>assistant\n"
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    return made


def to_gguf(name: str) -> str:
    """The name of one of transformers' tensors in a GGUF file."""
    plain = name.removeprefix("model.").removesuffix(".weight")
    if plain.startswith("layers."):
        _, layer, part = plain.split(".", 2)
        return f"blk.{layer}.{NAMES[part]}.weight"
    return {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[plain] + ".weight"


def write(model: Qwen3ForCausalLM, path: Path) -> None:
    config = model.config
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":  # It is the embedding.
            writer.add_tensor(to_gguf(name), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=24)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    words.save(str(args.out / "tokenizer.json"))
    torch.manual_seed(1)
    config = Qwen3Config(
        vocab_size=words.get_vocab_size(),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=1024,
        initializer_range=0.2,
        tie_word_embeddings=True,
    )
    model = Qwen3ForCausalLM(config).eval()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name:
                tensor.uniform_(0.5, 1.5)
        # Small, or each token would be followed by itself for ever.
        model.model.embed_tokens.weight.mul_(0.1)
    write(model, args.out / "model.gguf")
    ids = words.encode(TEXT, add_special_tokens=False).ids
    made = []
    with torch.no_grad():
        first = model(torch.tensor([ids])).logits[0, -1]
        for _ in range(args.tokens):
            made.append(int(model(torch.tensor([ids + made])).logits[0, -1].argmax()))
    expected = {"text": TEXT, "ids": ids, "logits": [round(float(v), 6) for v in first], "made": made}
    (args.out / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
