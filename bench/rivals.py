"""The Python sides of `calx bench`: torch and NumPy, timed inside their own process.

    rivals.py serve             answers "COMMAND UNITS SALT" with "ok WALL CPU COUNT MEAN VARIANCE"
    rivals.py start SEED FILE   one SD1.5 latent by torch, written as .npy

The generator is made anew for each request, outside the timed part, and moves on inside it: with
one repeated seed the branch predictor learns the rejections and NumPy looks 1.7 times as fast.
"""

import sys
import time

LATENT = (1, 4, 64, 64)
FILL_COUNT = 1 << 24
CHECKED_COUNT = 1 << 20  # values behind MEAN and VARIANCE


def now():
    return time.perf_counter(), time.thread_time()


def since(begin):
    end = now()
    return end[0] - begin[0], end[1] - begin[1]


def start(seed, path):
    import numpy
    import torch

    latent = torch.randn(LATENT, generator=torch.Generator().manual_seed(seed))
    numpy.save(path, latent.numpy())


def torch_latent(torch, units, salt):
    generator = torch.Generator().manual_seed(salt)
    begin = now()
    for _ in range(units):
        latent = torch.randn(LATENT, generator=generator)
    return since(begin), latent.numpy()


def torch_fill(torch, out, units, salt):
    generator = torch.Generator().manual_seed(salt)
    begin = now()
    for _ in range(units):
        out.normal_(generator=generator)
    return since(begin), out.numpy()


def numpy_fill(numpy, out, units, salt):
    generator = numpy.random.Generator(numpy.random.PCG64(salt))
    begin = now()
    for _ in range(units):
        generator.standard_normal(out=out, dtype=numpy.float32)
    return since(begin), out


def serve():
    commands, versions = {}, []
    try:
        import numpy

        numpy_out = numpy.empty(FILL_COUNT, numpy.float32)
        commands["numpy-fill"] = lambda units, salt: numpy_fill(numpy, numpy_out, units, salt)
        versions.append("numpy=" + numpy.__version__)
        import torch

        torch.set_num_threads(1)
        torch_out = torch.empty(FILL_COUNT)
        commands["torch-latent"] = lambda units, salt: torch_latent(torch, units, salt)
        commands["torch-fill"] = lambda units, salt: torch_fill(torch, torch_out, units, salt)
        versions.append("torch=" + torch.__version__)
    except ImportError as missing:
        print("rivals.py:", missing, file=sys.stderr)

    for line in sys.stdin:
        command, units, salt = line.split()
        if command == "versions":
            print("ok", *versions, flush=True)
        elif command not in commands:
            print("error", command, "is not available", flush=True)
        else:
            seconds, values = commands[command](int(units), int(salt))
            wide = values.ravel()[:CHECKED_COUNT].astype("float64")
            print("ok", *seconds, wide.size, wide.mean(), wide.var(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["start"]:
        start(int(sys.argv[2]), sys.argv[3])
    else:
        serve()
