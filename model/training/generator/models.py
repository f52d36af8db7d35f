"""The embedded generator's parts: diffusers' and transformers' own classes at small sizes.

Nothing here is a layer of ours, so that what is trained is what the plugin's LTX-Video runs.
"""

import os
import queue
import threading

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from stock.briefs import forms, vocabulary

# 16 x 16 pixels and 8 frames to a latent: 32 x 32, as the large models have it, leaves 8 x 4 of a frame of 256 x 144.
CHANNELS, SPACE, TIME = 48, 16, 8
TEXT_WIDTH = 128
SPECIAL = ("<pad>", "</s>", "<unk>")


DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def low_precision():
    """Products and convolutions in bfloat16."""
    return torch.autocast(DEVICE.type, torch.bfloat16)


def ahead(make, depth=4):
    """What `make` gives, time after time, made in a thread of its own while what came before is used."""
    made = queue.Queue(depth)

    def work():
        while True:
            made.put(make())

    threading.Thread(target=work, daemon=True).start()
    while True:
        yield made.get()


def to_encode(clip):
    """A clip, uint8 `[frames, height, width, 3]`, as a VAE takes it: `[1, 3, frames, height, width]`, -1 to 1."""
    return torch.from_numpy(clip.copy()).to(DEVICE).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def pictures(decoded):
    """What a VAE decoded, as clips, uint8 `[clips, frames, height, width, 3]`."""
    return ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).cpu().numpy()


def averaged(run, part=None):
    """The mean weights of a training run; of a part of what was trained."""
    mean = torch.load(run / "last.pt", mmap=True, map_location="cpu")["mean"]
    if part is None:
        return mean
    return {name.removeprefix(f"{part}."): v for name, v in mean.items() if name.startswith(f"{part}.")}


def vae():
    blocks = 3
    model = AutoencoderKLLTXVideo(
        latent_channels=CHANNELS,
        # The encoder is fitted, not trained (`principal.py`): stages that fold, and nothing between them.
        block_out_channels=(16, 64, 256, 256), layers_per_block=(0,) * (blocks + 1),
        down_block_types=("LTXVideo095DownBlock3D",) * blocks, downsample_type=("spatiotemporal",) * blocks,
        spatio_temporal_scaling=(True,) * blocks,
        decoder_block_out_channels=(32, 64, 128), decoder_layers_per_block=(1, 2, 2, 2),
        decoder_spatio_temporal_scaling=(True,) * blocks, decoder_inject_noise=(False,) * (blocks + 1),
        upsample_residual=(True,) * blocks, upsample_factor=(2,) * blocks,
        patch_size=2, timestep_conditioning=False, encoder_causal=True, decoder_causal=False,
        spatial_compression_ratio=SPACE, temporal_compression_ratio=TIME)
    start_smooth(model.decoder)
    return model


@torch.no_grad()
def start_smooth(decoder):
    """Starts the decoder as a blurred, nearly linear copy of its input.

    Left to chance, it starts with fixed patterns many times as strong as the picture: each of its residual paths puts
    different channels side by side, and what a picture adds to them drowns. So each convolution that grows the picture
    starts with the same kernel for all pixels it makes of one (Aitken et al. 2017), less what the residual path adds. The
    pixel norm takes away how strong a signal is, so what enters is given a bias to be seen against.
    """
    for module in decoder.modules():
        if isinstance(module, torch.nn.Conv3d):
            module.weight.normal_(0, module.weight[0].numel() ** -0.5)
            module.bias.zero_()
    for module in decoder.modules():
        kind = type(module).__name__
        if kind == "LTXVideoResnetBlock3d":
            module.conv2.conv.weight.mul_(0.1)
        elif kind == "LTXVideoUpsampler3d":
            weight, pixels = module.conv.conv.weight, 8
            weight.copy_(weight[::pixels].repeat_interleave(pixels, 0))
            for out in range(len(weight)):
                channel, pixel = divmod(out, pixels)
                weight[out, channel % (weight.shape[1] // pixels) * pixels + pixel, 1, 1, 1] -= 1
    decoder.conv_in.conv.bias.normal_(0, 0.5)
    weight = decoder.conv_out.conv.weight
    weight.copy_(weight[::4].repeat_interleave(4, 0))


BLOCKS = 12


def transformer():
    return LTXVideoTransformer3DModel(
        in_channels=CHANNELS, out_channels=CHANNELS, num_attention_heads=3, attention_head_dim=64,
        cross_attention_dim=192, num_layers=BLOCKS, caption_channels=TEXT_WIDTH)


@torch.no_grad()
def grow_from(transformer, fewer):
    """Starts a transformer from the weights of one with fewer blocks, which it gives the same answers as: after each of those
    stand new ones, whose ways out add nothing yet."""
    blocks = transformer.transformer_blocks
    count = 1 + max(int(name.split(".")[1]) for name in fewer if name.startswith("transformer_blocks."))
    each = len(blocks) // count
    for i, block in enumerate(blocks):
        prefix = f"transformer_blocks.{i // each}."
        block.load_state_dict({n.removeprefix(prefix): v for n, v in fewer.items() if n.startswith(prefix)})
        if i % each:
            for out in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
                out.weight.zero_()
                out.bias.zero_()
    rest = {n: v for n, v in fewer.items() if not n.startswith("transformer_blocks.")}
    transformer.load_state_dict(rest, strict=False)


def tokenizer():
    """Whole words of captions and other forms of them, in lower case; punctuation says nothing, and any other word is `<unk>`."""
    words = {token: i for i, token in enumerate((*SPECIAL, *vocabulary()))}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    read_as = [normalizers.Replace(Regex(f"\\b({others.replace(' ', '|')})\\b"), word) for word, others in forms().items()]
    inner.normalizer = normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex("[^\\p{L}\\p{N}]+"), " "), *read_as])
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", words["</s>"])])
    names = dict(zip(("pad_token", "eos_token", "unk_token"), SPECIAL))
    return PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=256, **names)


def text_encoder():
    return T5EncoderModel(T5Config(
        vocab_size=len(SPECIAL) + len(vocabulary()), d_model=TEXT_WIDTH, d_kv=32, d_ff=384, num_layers=3, num_heads=4,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False, tie_word_embeddings=False,
        dropout_rate=0.0, pad_token_id=0, eos_token_id=1))
