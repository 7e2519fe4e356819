"""PyTorch's operators, called without autograd, as our kernels are: the very ones that autograd would call."""

import torch

from pattern import centred, values

aten = torch.ops.aten


def convolution(case, layout):
    first, last = case["channels"]
    kernel, transposed = (case["kernel"],) * 2, case["transposed"]
    window = ([case["stride"]] * 2, [case["padding"]] * 2, [1, 1], transposed, [0, 0], 1)
    tensor = lambda *shape: torch.from_numpy(centred(*shape)).contiguous(memory_format=layout)
    images = tensor(case["batch"], first, case["size"], case["size"])
    weight = tensor(*((first, last) if transposed else (last, first)), *kernel)
    if case["part"] == "forward":
        return lambda: aten.convolution(images, weight, None, *window)
    gradient = tensor(*aten.convolution(images, weight, None, *window).shape)
    wanted = [case["part"] == "dx", case["part"] == "dw", False]
    return lambda: aten.convolution_backward(gradient, images, weight, None, *window, wanted)


def norm(case, layout):
    """Batch norm, then LeakyReLU: two operators, where ours is one."""
    shape = case["batch"], case["channels"], case["size"], case["size"]
    x = torch.from_numpy(values(*shape)).contiguous(memory_format=layout)
    scale, shift = torch.ones(shape[1]), torch.zeros(shape[1])
    running = torch.zeros(shape[1]), torch.ones(shape[1])

    def forward():
        normalized, *saved = aten.native_batch_norm(x, scale, shift, *running, True, 0.1, 1e-5)
        return normalized, saved, aten.leaky_relu(normalized, 0.2)

    if case["part"] == "forward":
        return forward
    normalized, saved, _ = forward()
    gradient = torch.from_numpy(centred(*shape)).contiguous(memory_format=layout)

    def backward():
        inner = aten.leaky_relu_backward(gradient, normalized, 0.2, False)
        aten.native_batch_norm_backward(inner, x, scale, *running, *saved, True, 1e-5, [True] * 3)

    return backward


def adam(case, layout):
    del layout
    parameter = torch.nn.Parameter(torch.from_numpy(centred(case["parameters"])))
    parameter.grad = torch.from_numpy(centred(case["parameters"]))
    return torch.optim.Adam([parameter], lr=1e-4).step


def without_autograd(make):
    def prepare(case, layout):
        work = make(case, layout)

        def once():
            with torch.inference_mode():
                work()

        return once

    return prepare


KINDS = {"conv": without_autograd(convolution), "norm": without_autograd(norm), "adam": adam}
