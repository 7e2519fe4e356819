"""Backbones in PyTorch, with tensor names as in crates/nn; ResNet-50 and the wide one are torchvision's own.

Everything runs in float64 on values that were rounded to float32 first.
"""

import math

import torch
import torchvision
from torch import nn
from torch.nn import functional

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

MOBILENET_V2 = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 3, 2, 32, 3), (6, 3, 2, 64, 4), (6, 3, 1, 96, 3), (6, 3, 2, 160, 3), (6, 3, 1, 320, 1)]
EFFICIENTNET_LITE0 = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]


def normalized(x, mean, deviation):
    per_channel = lambda values: torch.tensor(values, dtype=x.dtype).reshape(1, 3, 1, 1)
    return (x - per_channel(mean)) / per_channel(deviation)


class Dilation:
    """Which strides become dilations: those that would go beyond `output_stride`."""

    def __init__(self, reached, output_stride):
        self.reached, self.output_stride, self.taps = reached, output_stride, 1

    def stride(self, stride):
        if self.reached * stride > self.output_stride:
            self.taps *= stride
            return 1
        self.reached *= stride
        return stride


class Same(nn.Conv2d):
    """A convolution with TensorFlow's zeros. `original`: the stride without dilation, whose zeros stay where they are."""

    def __init__(self, a, b, kernel, stride, original, dilation=1, groups=1, bias=False):
        super().__init__(a, b, kernel, stride, 0, dilation, groups, bias)
        self.original = original

    def zeros(self, size):
        kernel, stride, dilation = self.kernel_size[0], self.stride[0], self.dilation[0]
        sparse = math.ceil(size / dilation)
        before = max((math.ceil(sparse / self.original) - 1) * self.original + kernel - sparse, 0) // 2 * dilation
        reach = (math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1
        return before, max(reach - size - before, 0)

    def forward(self, x):
        (top, below), (left, right) = self.zeros(x.shape[2]), self.zeros(x.shape[3])
        return super().forward(functional.pad(x, (left, right, top, below)))


class InvertedResidual(nn.Module):
    def __init__(self, same, a, expand, kernel, stride, b, dilation):
        super().__init__()
        inside, epsilon, taps = a * expand, 1e-3 if same else 1e-5, dilation.taps
        strided = dilation.stride(stride)
        if expand != 1:
            self.expand_conv = nn.Conv2d(a, inside, 1, bias=False)
            self.bn0 = nn.BatchNorm2d(inside, epsilon)
        if same:
            self.depthwise_conv = Same(inside, inside, kernel, strided, stride, taps, inside)
        else:
            self.depthwise_conv = nn.Conv2d(inside, inside, kernel, strided, kernel // 2 * taps, taps, inside, bias=False)
        self.bn1 = nn.BatchNorm2d(inside, epsilon)
        self.project_conv = nn.Conv2d(inside, b, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(b, epsilon)
        self.shortcut, self.expands = stride == 1 and a == b, expand != 1

    def forward(self, x):
        y = functional.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        y = functional.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.shortcut else y


class MobileNet(nn.Module):
    def __init__(self, kind, output_stride):
        super().__init__()
        self.same = kind == "efficientnet-lite0"
        epsilon = 1e-3 if self.same else 1e-5
        self.conv_stem = Same(3, 32, 3, 2, 2) if self.same else nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn0 = nn.BatchNorm2d(32, epsilon)
        dilation, blocks, a = Dilation(2, output_stride), [], 32
        for expand, kernel, stride, b, count in EFFICIENTNET_LITE0 if self.same else MOBILENET_V2:
            for index in range(count):
                blocks.append(InvertedResidual(self.same, a, expand, kernel, stride if index == 0 else 1, b, dilation))
                a = b
        self.blocks = nn.ModuleList(blocks)
        self.conv_head = nn.Conv2d(a, 1280, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(1280, epsilon)

    def forward(self, x):
        x = normalized(x, [127 / 255] * 3, [128 / 255] * 3) if self.same else normalized(x, *IMAGENET)
        x = functional.relu6(self.bn0(self.conv_stem(x)))
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.bn1(self.conv_head(x)))


class Fire(nn.Module):
    def __init__(self, a, squeezed, expanded, dilation):
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(a, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, 1, dilation, dilation)

    def forward(self, x):
        x = functional.relu(self.squeeze1x1(x))
        return functional.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    STAGES = [[(64, 16, 64), (128, 16, 64)], [(128, 32, 128), (256, 32, 128)], [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]]

    def __init__(self, output_stride):
        super().__init__()
        self.conv1 = Same(3, 64, 3, 2, 2, bias=True)
        dilation, self.steps, number = Dilation(2, output_stride), [], 2
        for stage in self.STAGES:
            taps = dilation.taps
            self.steps.append((dilation.stride(2), taps))
            for sizes in stage:
                setattr(self, f"fire{number}", Fire(*sizes, dilation.taps))
                self.steps.append(f"fire{number}")
                number += 1

    def forward(self, x):
        x = normalized(x.flip(1), [103.939 / 255, 116.779 / 255, 123.68 / 255], [1 / 255] * 3)
        x = functional.relu(self.conv1(x))
        for step in self.steps:
            if isinstance(step, str):
                x = getattr(self, step)(x)
            else:
                x = functional.max_pool2d(x, 3, step[0], 0, step[1])
        return x


class ResNet(nn.Module):
    """torchvision's, less its classifier."""

    MAKERS = {"resnet-34": "resnet34", "resnet-50": "resnet50", "wide-resnet-50-2": "wide_resnet50_2"}

    def __init__(self, kind, output_stride):
        super().__init__()
        dilated = {32: [False] * 3, 16: [False, False, True], 8: [False, True, True]}[output_stride]
        whole = getattr(torchvision.models, self.MAKERS[kind])(replace_stride_with_dilation=dilated)
        for name, child in whole.named_children():
            if name not in ("fc", "avgpool"):
                self.add_module(name, child)

    def forward(self, x):
        x = normalized(x, *IMAGENET)
        for child in self.children():
            x = child(x)
        return x


def backbone(kind, output_stride):
    if kind == "squeezenet-1.1":
        return SqueezeNet(output_stride)
    if kind in ("efficientnet-lite0", "mobilenet-v2"):
        return MobileNet(kind, output_stride)
    return ResNet(kind, output_stride)
