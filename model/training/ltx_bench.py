"""One step of the 2B LTX-Video transformer and one decode of its VAE in PyTorch, to time the Rust code against.

    python ltx_bench.py [--dtype bfloat16] [--threads 2] [--size 384x256] [--frames 25] [--rounds 3] [--part both]

The weights are random, of the published shapes: speed doesn't depend on their values. Only what is timed is held in
memory, so of the VAE that is the decoder: 2.2 GB in float32, and 7.7 GB for the transformer; half in bfloat16. The step
is a pass of one sample with one timestep and 16 tokens of text, without guidance. Prints the seconds of each round
after one that warms up, their medians, and the most memory that the process held, Python and its libraries included.
"""

import argparse
import os
import resource
import statistics
import time

import diffusers
import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel

# Version 0.9.5 of the VAE, which all later models have too. The transformer's defaults in diffusers are the 2B model.
VAE_095 = {
    "latent_channels": 128,
    "block_out_channels": (128, 256, 512, 1024, 2048),
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "spatio_temporal_scaling": (True,) * 4,
    "layers_per_block": (4, 6, 6, 2, 2),
    "decoder_block_out_channels": (256, 512, 1024),
    "decoder_layers_per_block": (5, 5, 5, 5),
    "decoder_spatio_temporal_scaling": (True,) * 3,
    "decoder_inject_noise": (False,) * 4,
    "upsample_residual": (True,) * 3,
    "upsample_factor": (2, 2, 2),
    "timestep_conditioning": True,
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
}
TEXT = 16


def filled(model, dtype):
    """`model`, made on the meta device, in memory and with small weights: one drawn block over and over, since drawing
    all two billion takes longer than the rounds."""
    model = model.to(dtype).to_empty(device="cpu").eval()
    block = torch.empty(1_000_003, dtype=dtype).uniform_(-0.02, 0.02)
    for tensor in [*model.parameters(), *model.buffers()]:
        for part in tensor.data.view(-1).split(len(block)):
            part.copy_(block[:len(part)])
    return model


def step(dtype, frames, height, width):
    """The transformer's pass over a latent grid, as a function to time."""
    with torch.device("meta"):
        model = LTXVideoTransformer3DModel()
    model = filled(model, dtype)
    latents = torch.randn(1, frames * height * width, model.config.in_channels).to(dtype)
    text, mask = torch.randn(1, TEXT, model.config.caption_channels).to(dtype), torch.ones(1, TEXT)
    grid = {"num_frames": frames, "height": height, "width": width, "rope_interpolation_scale": (8 / 25, 32, 32)}
    return lambda: model(latents, text, torch.tensor([[500.0]]), mask, **grid)


def decode(dtype, frames, height, width):
    """The VAE's decode of a latent grid, as a function to time."""
    with torch.device("meta"):
        vae = AutoencoderKLLTXVideo(**VAE_095)
    del vae.encoder
    vae = filled(vae, dtype)
    latents = torch.randn(1, vae.config.latent_channels, frames, height, width).to(dtype)
    return lambda: vae.decode(latents, torch.tensor([0.05], dtype=dtype))


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--size", default="384x256")
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=("transformer", "vae", "both"), default="both")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    diffusers.logging.set_verbosity_error()
    width, height = map(int, args.size.split("x"))
    grid = (args.frames - 1) // 8 + 1, height // 32, width // 32
    parts = {"transformer": step, "vae": decode}
    chosen = [args.part] if args.part in parts else [*parts]
    runs = {name: parts[name](getattr(torch, args.dtype), *grid) for name in chosen}
    rows = {name: [] for name in runs}
    for round_ in range(args.rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds = time.perf_counter() - began
            print(f"{name} {round_ or 'warm-up'}: {seconds:.3f} s", flush=True)
            if round_:
                rows[name].append(seconds)
    for name, seconds in rows.items():
        print(f"{name} median: {statistics.median(seconds):.3f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20:.2f} GiB")


if __name__ == "__main__":
    main()
