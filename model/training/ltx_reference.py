"""The numbers that our LTX-Video is tested against: diffusers' own answers on the CPU, with small random weights.

    nice python ltx_reference.py ../tests/fixtures/ltx [--seed 0]

Nothing is downloaded; it takes ten seconds, and the same seed gives the same numbers with the same versions. In the
folder given:

- `model`, `upsampler`: the small models as diffusers saves them. They are built as versions 0.9.5 to 0.9.8 are, with
  fewer and narrower layers.
- `units.safetensors`: VAE, text encoder, rotary embedding and transformer, each on its own.
- `images.npz`: the pictures that condition the shots.
- `pipe_CASE_MODE.safetensors`: whole shots. `video` is batch x frames x RGB x height x width, in 0..1 and float16;
  `lat_i` are the tokens after step i, those of appended keyframes first; `t_i` is that step's timestep; `noise_i` is
  every noise tensor in the order drawn: the initial latents, for each condition the posterior's sample and then (unless
  it is at frame 0) the noise that its strength mixes in, and last what is mixed in before decoding.
- `pipe_t2v_stochastic.safetensors`: the sampler of 0.9.6-distilled, x0 = x - s v, then x = (1 - s') x0 + s' n.
  `noise_0` is the initial latents; `noise_1` to `noise_3` are n of each step, over tokens and not over the grid, drawn
  on the last step as well, where nothing of it remains; `noise_4` is mixed in before decoding.
- `extras.safetensors`: guidance by attention's values, tiled decoding, and the latent upsampler with what follows it.
- `tensors.json`: names and shapes of the published models.
"""

import argparse
import contextlib
import json
import math
import os
from collections import Counter
from pathlib import Path
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

import diffusers
import numpy as np
import torch
from diffusers import (AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXConditionPipeline,
                       LTXLatentUpsamplePipeline, LTXVideoTransformer3DModel)
from diffusers.models.autoencoders import vae as posterior
from diffusers.pipelines.ltx import pipeline_ltx_condition as conditioned
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel
from diffusers.schedulers import scheduling_flow_match_euler_discrete as scheduling
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from ltx_bench import VAE_095

WIDTH, HEIGHT, FRAMES, RATE = 64, 32, 25, 25
CHANNELS, TEXT_WIDTH, TEXT_LENGTH, PIECES = 16, 32, 32, 60
DECODE_TIMESTEP, DECODE_NOISE = 0.05, 0.025
PROMPT, NEGATIVE = "a red fox runs through fresh snow at dawn", "worst quality, blurry"
MODES = {
    "cfg": {"num_inference_steps": 4, "guidance_scale": 3.0, "guidance_rescale": 0.7},
    "distilled": {"timesteps": [1000, 993.7, 987.5, 981.2, 975.0, 909.4, 725.0], "guidance_scale": 1.0},
}
STOCHASTIC_TIMESTEPS = [1000.0, 900.0, 500.0]


def varied(model, generator):
    """`model` with something in every place where a new network has only zeros and ones, so that a test sees it."""
    def drawn(like, around):
        return around + 0.1 * torch.randn(like.shape, generator=generator)

    for module in model.modules():
        if "Norm" in type(module).__name__:
            for name, parameter in module.named_parameters(recurse=False):
                parameter.data = drawn(parameter, 1.0 if name == "weight" else 0.0)
    for name, buffer in model.named_buffers():
        if name in ("latents_mean", "latents_std"):
            buffer.copy_(drawn(buffer, 1.0 if name == "latents_std" else 0.0))
    return model.eval()


def small_tokenizer():
    """A Unigram tokenizer that puts `</s>` after a text, as T5's does. Its pieces are every letter of the prompts and
    their most frequent groups of letters. They aren't trained, since that takes equals in another order each time."""
    words = ["\u2581" + word for text in (PROMPT, NEGATIVE) for word in text.split()]
    groups = Counter(word[i:i + n] for word in words for n in (1, 2, 3, 4) for i in range(len(word) - n + 1))
    pieces = sorted(groups, key=lambda piece: (len(piece) > 1, -groups[piece], -len(piece), piece))[:PIECES]
    # Square roots, so that no two ways to split a word score the same.
    scores = [(piece, -math.sqrt(4 + i)) for i, piece in enumerate(pieces)]
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in special.values()), *scores], unk_id=2))
    tokenizer.normalizer, tokenizer.decoder = normalizers.NFKC(), decoders.Metaspace()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **special)


def small_pipeline(generator):
    tokenizer = small_tokenizer()
    text_encoder = T5EncoderModel(T5Config(
        vocab_size=len(tokenizer), d_model=TEXT_WIDTH, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False, tie_word_embeddings=False))
    transformer = LTXVideoTransformer3DModel(
        in_channels=CHANNELS, out_channels=CHANNELS, num_attention_heads=4, attention_head_dim=16,
        cross_attention_dim=64, num_layers=2, caption_channels=TEXT_WIDTH)
    vae = AutoencoderKLLTXVideo(**VAE_095 | {
        "latent_channels": CHANNELS, "block_out_channels": (8, 8, 16, 16, 16), "layers_per_block": (1,) * 5,
        "decoder_block_out_channels": (8, 16, 32), "decoder_layers_per_block": (1,) * 4})
    pipeline = LTXConditionPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False), tokenizer=tokenizer,
        **{name: varied(model, generator) for name, model in
           (("vae", vae), ("text_encoder", text_encoder), ("transformer", transformer))})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def units(pipeline, generator):
    """Each part's answer to drawn inputs. The transformer's batch is of two, one of them with masked text, and every
    token has its own timestep."""
    def drawn(*shape):
        return torch.randn(shape, generator=generator)

    vae, transformer = pipeline.vae, pipeline.transformer
    x = drawn(1, 3, 9, 64, 32).clamp(-1, 1)
    mean = vae.encode(x).latent_dist.mean
    text = pipeline.tokenizer(["a red fox runs"], padding="max_length", max_length=16, return_tensors="pt")
    inputs, context, mask = drawn(2, 18, CHANNELS), drawn(2, 16, TEXT_WIDTH), torch.ones(2, 16)
    mask[0, 9:] = 0
    timesteps = 1000 * torch.rand(2, 18, generator=generator)
    coords = pipeline._scale_video_ids(pipeline._prepare_video_ids(2, 3, 2, 3)).float()
    coords[:, 0] /= RATE
    cos, sin = transformer.rope(inputs, video_coords=coords)
    return {
        "x": x, "enc_mean": mean, "enc_norm": pipeline._normalize_latents(mean, vae.latents_mean, vae.latents_std),
        "dec": vae.decode(mean, torch.tensor([DECODE_TIMESTEP])).sample,
        "ids": text.input_ids, "mask_ids": text.attention_mask,
        "t5": pipeline.text_encoder(text.input_ids, attention_mask=text.attention_mask).last_hidden_state,
        "tr_in": inputs, "tr_ctx": context, "tr_mask": mask, "tr_t": timesteps, "tr_coords": coords,
        "tr_cos": cos, "tr_sin": sin,
        "tr_out": transformer(inputs, context, timesteps, mask, video_coords=coords).sample,
    }


def pictures(seed):
    """What the shots are conditioned on: three stills and two clips of 9 and 17 frames, all noise."""
    rng = np.random.default_rng(seed)
    shapes = {"im0": (), "imM": (), "imL": (), "clip9": (9,), "clip17": (17,)}
    return {name: rng.integers(0, 256, (*shape, HEIGHT, WIDTH, 3), np.uint8) for name, shape in shapes.items()}


def cases(images):
    def still(name, frame, strength=1.0):
        return conditioned.LTXVideoCondition(
            image=Image.fromarray(images[name]), frame_index=frame, strength=strength)

    def clip(name, frame):
        return conditioned.LTXVideoCondition(video=[Image.fromarray(x) for x in images[name]], frame_index=frame)

    return {
        "t2v": None,
        "i2v": [still("im0", 0)],
        "first_last": [still("im0", 0), still("imL", FRAMES - 1)],
        "fill_3keys": [still("im0", 0), still("imM", 11, 0.8), still("imL", FRAMES - 1)],
        "extend_fwd": [clip("clip9", 0)],
        "extend_bwd": [clip("clip17", 8)],
        "bridge": [clip("clip9", 0), clip("clip9", 16)],
    }


@contextlib.contextmanager
def recorded_noise():
    """The list that every noise tensor drawn by diffusers is put on. Copies, because conditions are written into the
    initial latents in place."""
    noises, randn_tensor = [], conditioned.randn_tensor

    def draw(*args, **kwargs):
        noises.append(randn_tensor(*args, **kwargs))
        return noises[-1].clone()

    with contextlib.ExitStack() as stack:
        for module in (conditioned, posterior, scheduling):
            stack.enter_context(mock.patch.object(module, "randn_tensor", draw))
        yield noises


def traced(video, steps, noises):
    """A shot under the names of its file, from the pairs of timestep and tokens of its steps."""
    return {"video": video.half(),
            **{f"t_{i}": t.reshape(1) for i, (t, _) in enumerate(steps)},
            **{f"lat_{i}": latents for i, (_, latents) in enumerate(steps)},
            **{f"noise_{i}": noise for i, noise in enumerate(noises)}}


def shot(pipeline, conditions, mode, generator):
    steps = []

    def keep(_, i, t, state):
        steps.append((t.clone(), state["latents"].clone()))
        return state

    with recorded_noise() as noises:
        video = pipeline(
            conditions=conditions, prompt=PROMPT, negative_prompt=NEGATIVE, width=WIDTH, height=HEIGHT,
            num_frames=FRAMES, frame_rate=RATE, generator=generator, image_cond_noise_scale=0.0,
            decode_timestep=DECODE_TIMESTEP, decode_noise_scale=DECODE_NOISE, output_type="pt",
            max_sequence_length=TEXT_LENGTH, callback_on_step_end=keep, **mode).frames
    return traced(video, steps, noises)


def stochastic_shot(pipeline, generator):
    """Text-to-video by stochastic sampling. No pipeline of diffusers can be asked: LTXConditionPipeline negates the
    prediction for its per-token timesteps, which turns x0 the wrong way round here, and LTXPipeline places latent l at
    8l / rate seconds instead of max(0, 8l - 7) / rate. So this is the former's loop around a plain scheduler step."""
    vae = pipeline.vae
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipeline.scheduler.config, stochastic_sampling=True)
    scheduler.set_timesteps(timesteps=STOCHASTIC_TIMESTEPS)
    text, mask, _, _ = pipeline.encode_prompt(
        PROMPT, do_classifier_free_guidance=False, max_sequence_length=TEXT_LENGTH)
    steps = []
    with recorded_noise() as noises:
        latents, _, coords, _ = pipeline.prepare_latents(
            [], num_channels_latents=CHANNELS, width=WIDTH, height=HEIGHT, num_frames=FRAMES, generator=generator,
            dtype=torch.float32)
        coords = coords.float()
        coords[:, 0] /= RATE
        for t in scheduler.timesteps:
            velocity = pipeline.transformer(latents, text, t.reshape(1, 1), mask, video_coords=coords).sample
            latents = scheduler.step(velocity, t, latents, generator=generator).prev_sample
            steps.append((t, latents))
        grid = pipeline._unpack_latents(latents, (FRAMES - 1) // 8 + 1, HEIGHT // 32, WIDTH // 32)
        noise = conditioned.randn_tensor(grid.shape, generator=generator)
    grid = pipeline._denormalize_latents(grid, vae.latents_mean, vae.latents_std)
    video = vae.decode((1 - DECODE_NOISE) * grid + DECODE_NOISE * noise, torch.tensor([DECODE_TIMESTEP])).sample
    return traced(pipeline.video_processor.postprocess_video(video, output_type="pt"), steps, noises)


class ValuesOnly:
    """Attention whose output is its values: each token attends to itself alone."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, image_rotary_emb=None):
        return attn.to_out[0](attn.to_v(hidden_states))


def perturbed(transformer, answers):
    """Spatio-temporal guidance's pass over the inputs of `answers`, with the second block's self-attention replaced."""
    attention = transformer.transformer_blocks[1].attn1
    usual = attention.processor
    attention.set_processor(ValuesOnly())
    out = transformer(*(answers[f"tr_{name}"] for name in ("in", "ctx", "t", "mask")),
                      video_coords=answers["tr_coords"]).sample
    attention.set_processor(usual)
    return {"stg_out": out}


def tiled(vae, generator):
    """Decoding in tiles of 64 pixels and 16 frames that overlap by half, of the smallest latents that more than one is
    needed for along each axis: an axis is cut into a tile at every stride, so the last are partial, and along time one
    more latent goes into each."""
    z = torch.randn(1, CHANNELS, 3, 3, 2, generator=generator)
    least, stride = (16, 64, 64), (8, 32, 32)
    axes = ("num_frames", "height", "width")
    vae.use_framewise_decoding = True
    vae.enable_tiling(**{f"tile_sample_min_{axis}": n for axis, n in zip(axes, least)},
                      **{f"tile_sample_stride_{axis}": n for axis, n in zip(axes, stride)})
    out = vae.decode(z, torch.tensor([DECODE_TIMESTEP])).sample
    vae.use_framewise_decoding = vae.use_tiling = False
    return {"tile_z": z, "tile_out": out, "tile_min": torch.tensor(least), "tile_stride": torch.tensor(stride)}


def upsampled(vae, folder, generator):
    """The latent upsampler, saved into `folder`, and what the pipeline does to its output in turn: AdaIN against its
    input, then tone mapping of that."""
    model = varied(LTXLatentUpsamplerModel(
        in_channels=CHANNELS, mid_channels=32, num_blocks_per_stage=1, dims=3, spatial_upsample=True), generator)
    model.save_pretrained(folder)
    pipeline = LTXLatentUpsamplePipeline(vae=vae, latent_upsampler=model)
    up_in = 1.5 * torch.randn(1, CHANNELS, 3, 2, 3, generator=generator)
    up_out = model(up_in)
    adain = pipeline.adain_filter_latent(up_out, up_in, 0.7)
    return {"up_in": up_in, "up_out": up_out, "adain": adain, "tone_map": pipeline.tone_map_latents(adain, 0.6)}


def published():
    """Names and shapes of the published models' tensors. diffusers' defaults are the 2B transformer."""
    with torch.device("meta"):
        built = {
            "transformer_2b": LTXVideoTransformer3DModel(),
            "transformer_13b": LTXVideoTransformer3DModel(
                attention_head_dim=128, num_layers=48, cross_attention_dim=4096),
            "vae": AutoencoderKLLTXVideo(**VAE_095),
        }
    return {name: {key: list(x.shape) for key, x in model.state_dict().items()} for name, model in built.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # sums in another order change the last digits
    torch.manual_seed(args.seed)
    diffusers.logging.set_verbosity_error()
    generator = torch.Generator().manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    def save(name, tensors):
        save_file({key: x.contiguous() for key, x in tensors.items()}, args.out / f"{name}.safetensors")

    pipeline = small_pipeline(generator)
    pipeline.save_pretrained(args.out / "model")
    answers = units(pipeline, generator)
    save("units", answers)
    save("extras", perturbed(pipeline.transformer, answers) | tiled(pipeline.vae, generator)
         | upsampled(pipeline.vae, args.out / "upsampler", generator))
    images = pictures(args.seed)
    np.savez(args.out / "images.npz", **images)

    def fresh():
        return torch.Generator().manual_seed(args.seed + 42)

    for case, conditions in cases(images).items():
        for mode, settings in MODES.items():
            save(f"pipe_{case}_{mode}", shot(pipeline, conditions, settings, fresh()))
    save("pipe_t2v_stochastic", stochastic_shot(pipeline, fresh()))
    (args.out / "tensors.json").write_text(json.dumps(published(), separators=(",", ":")) + "\n")
    for path in args.out.rglob("*"):
        if path.is_file():
            path.chmod(0o644)  # safetensors writes for the owner alone


if __name__ == "__main__":
    main()
