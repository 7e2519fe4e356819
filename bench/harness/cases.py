"""What is timed: a label for the table, a group, and the request that both sides understand."""


def convolution(channels, kernel, stride, size, transposed=False):
    padding = {7: 3, 4: 1, 3: 1, 1: 0}[kernel]
    fields = dict(channels=list(channels), kernel=kernel, stride=stride, padding=padding, size=size, transposed=transposed)
    mark = "T" if transposed else ""
    return f"conv{mark} {kernel}×{kernel}/{stride} {channels[0]}→{channels[1]} @{size}²", fields


CONVOLUTIONS = [
    convolution((64, 128), 4, 2, 128),
    convolution((128, 256), 4, 2, 64),
    convolution((256, 512), 4, 2, 32),
    convolution((3, 64), 4, 2, 256),
    convolution((64, 64), 3, 1, 64),
    convolution((128, 128), 3, 1, 32),
    convolution((512, 512), 3, 1, 8),
    convolution((64, 128), 3, 2, 64),
    convolution((3, 64), 7, 2, 256),
    convolution((512, 128), 1, 1, 16),
    convolution((512, 256), 4, 2, 16, transposed=True),
    convolution((128, 64), 4, 2, 64, transposed=True),
    convolution((64, 3), 4, 2, 128, transposed=True),
]
BATCHES = 1, 8


def ops():
    for label, fields in CONVOLUTIONS:
        for batch in BATCHES:
            for part in "forward", "dx", "dw":
                yield f"{label}, batch {batch}, {part}", part, {"name": "conv", "part": part, "batch": batch, **fields}
    for batch in BATCHES:
        for part in "forward", "backward":
            label = f"batch norm + LeakyReLU, 128 @64², batch {batch}, {part}"
            yield label, "others", {"name": "norm", "part": part, "channels": 128, "size": 64, "batch": batch}
    yield "Adam, 5 M parameters", "others", {"name": "adam", "parameters": 5_000_000}


def batched(name, batch):
    return {"name": name, "batch": batch, "size": 256}


TRAINING = ["train-step", "cavga-d", "cavga-r"]


def training(name):
    return f"{name}, batch 8, 256²", name, batched(name, 8)


def inference():
    for batch in BATCHES:
        yield f"ResNet-18 to layer4, batch {batch}, 256²", "resnet", batched("resnet", batch)
    for batch in BATCHES:
        yield f"MobileNetV2's strides 8 and 16, batch {batch}, 256²", "taps", batched("taps", batch)
    for parts in "d", "r":
        yield f"CAVGA-{parts.upper()} scoring, batch 1, 256²", "score", batched(f"score-{parts}", 1)


def batches():
    """ResNet-18 alone: detectors look at one image at a time. A label, and the cases of one image and of eight."""
    yield "ResNet-18 to layer4, 256²", [batched("resnet", batch) for batch in BATCHES]
