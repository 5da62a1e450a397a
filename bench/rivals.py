"""The Python sides of `calx bench`: torch and NumPy, timed inside their own process.

    rivals.py serve             answers "COMMAND UNITS SALT" with "ok WALL CPU COUNT MEAN VARIANCE"
    rivals.py langevin          the same line protocol for Langevin steps
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


class Langevin:
    """Euler-Maruyama: x += -h (J2 x - b + U U^T x) + sqrt(2 h kT) noise; U: scaled Walsh rows."""

    RANK, STEP, COUPLING = 16, 0.1, 3.0

    def __init__(self, torch, units, chains):
        i, k = torch.arange(units)[:, None], torch.arange(self.RANK)[None, :]
        bits = sum(((i & k) >> bit) & 1 for bit in range(4))
        self.torch = torch
        self.u = (1.0 - 2.0 * (bits % 2)) * (self.COUPLING / units) ** 0.5
        self.minus_b = -0.01 * (torch.arange(units) % 5 - 2.0)
        self.j2 = torch.ones(units)
        self.start = (torch.arange(units * chains) % 7 - 3.0).reshape(chains, units)
        if chains == 1:
            self.start = self.start[0]
        self.x = self.start.clone()
        self.force, self.noise = torch.empty_like(self.x), torch.empty_like(self.x)
        self.z = torch.empty(self.x.shape[:-1] + (self.RANK,))
        self.ut = self.u.T.contiguous()
        # torch's own fastest way to write the two products depends on the size and the library.
        ways = [(into, out) for into in (0, 1) for out in (0, 1)]
        self.way = min(ways, key=self.seconds_of)

    def products(self, into, out):
        if self.x.dim() == 1:
            if into == 0:
                self.torch.mv(self.ut, self.x, out=self.z)
            else:
                self.torch.matmul(self.x, self.u, out=self.z)
            self.force.addmv_(self.u if out == 0 else self.ut.T, self.z)
        else:
            self.torch.mm(self.x, self.u if into == 0 else self.ut.T, out=self.z)
            self.force.addmm_(self.z, self.ut if out == 0 else self.u.T)

    def seconds_of(self, way):
        least = float("inf")
        for _ in range(20):
            self.force.zero_()
            begin = now()
            self.products(*way)
            least = min(least, since(begin)[1])
        return least

    def run(self, steps, salt, heat):
        torch, x, force, noise, h = self.torch, self.x, self.force, self.noise, self.STEP
        generator = torch.Generator().manual_seed(salt)
        spread = (2 * h * heat) ** 0.5
        begin = now()
        for _ in range(steps):
            torch.addcmul(self.minus_b, self.j2, x, out=force)
            self.products(*self.way)
            x.add_(force, alpha=-h)
            if heat:
                x.add_(noise.normal_(generator=generator), alpha=spread)
        return since(begin), x.numpy()


def langevin():
    import torch

    torch.set_num_threads(1)
    sizes = {}
    for line in sys.stdin:
        command, units, salt = line.split()
        if command == "versions":
            print("ok torch=" + torch.__version__, flush=True)
            continue
        kind, width, chains = command.split("-")
        size = int(width), int(chains)
        if size not in sizes:
            sizes[size] = Langevin(torch, *size)
        chain = sizes[size]
        if kind == "still":
            chain.x.copy_(chain.start)
        seconds, values = chain.run(int(units), int(salt), 1.0 if kind == "warm" else 0.0)
        wide = values.astype("float64")
        print("ok", *seconds, wide.size, wide.mean(), wide.var(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["start"]:
        start(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1:2] == ["langevin"]:
        langevin()
    else:
        serve()
