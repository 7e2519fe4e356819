"""Golden values for CAVGA's networks, losses, attention and optimizer, from PyTorch.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 torch==2.15.0 torchvision==0.29.2
    venv/bin/python conformance/cavga/make_goldens.py

It writes crates/detect/tests/goldens/cavga.json and crates/nn/tests/goldens/nn.json, which the `goldens.rs` beside each folder
compares with. The attention is Grad-CAM by automatic differentiation, differentiated a second time by `backward`: it knows nothing of
the closed form that it proves. Weights, images and noise come from `drawn.uniform`, which the Rust tests repeat to the bit, so
none of them is stored; of every tensor of results its norm, largest magnitude, sum, two products with such numbers and
twelve entries are.
"""

from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.nn import functional

from drawn import number, write
from networks import MARGIN, Discriminator, Kinks, ResNet18, Vae, attention, cams, fill, gradients, summary, tensor, terms

ROOT = Path(__file__).resolve().parents[2]
SIZE, BATCH = 64, 2
TINY = {"latent": {"channels": 8, "dimension": 6}, "dcgan_width": 4, "decoder_width": 4}
# Of a weakly supervised batch, the one in the middle is anomalous.
LABELS = {"Unsupervised": [0, 0], "Weak": [0, 1, 0]}


def extended_barrier(z, t):
    """Kervadec et al. 2019, equation 5: −log(−z)/t where z ≤ −1/t², else t·z − log(1/t²)/t + 1/t."""
    values = [-torch.log(-v) / t if v <= -1 / t**2 else t * v - np.log(1 / t**2) / t + 1 / t for v in z]
    return torch.stack(values)


def expansion_loss(a, kind):
    missing = 1 - a
    if kind == "equality":
        return missing.mean()
    return extended_barrier(missing.mean((1, 2, 3)) - 0.1, 10.0).mean()


def bce(logits, target):
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def options(config):
    defaults = {"score": "sum", "normalize": "sigmoid", "relu": False, "expansion": "equality", "reach": "exact", "stage": None}
    return defaults | config.get("attention", {})


def running(module):
    state = module.state_dict().items()
    return {name: summary(name, value) for name, value in state if name.endswith(("running_mean", "running_var"))}


def score_mode(vae, images, chosen):
    """The maps of a trained network: bilinear attentions, and the residual; and what its classifier says."""
    vae.eval()
    _, looked_at, mu, _ = vae.see(images, chosen["stage"])
    classes = vae.classes(mu)
    values = cams(looked_at, mu, classes, chosen)
    up = lambda x: functional.interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    a = up(attention(values, chosen["relu"], chosen["normalize"]))
    residual = (images - torch.sigmoid(vae.decode(mu))).abs().mean(1)
    if classes is None:
        maps, evidence = {"one-minus-attention": 1 - a, "attention": a}, values
    else:
        maps, evidence = {"attention-anomalous": a[:, 1], "one-minus-attention-normal": 1 - a[:, 0]}, values[:, 1:] - values[:, :1]
    # What a detector says whose normal images had a CAM, and terms of it, of 0 with a spread of 1.
    distance = terms(looked_at, mu, classes, chosen).square().sum(1, keepdim=True).sqrt()
    maps |= {"residual": residual, "attention-deviation": up(evidence.abs()), "attention-terms-deviation": up(distance)}
    scores = {} if classes is None else {"classifier": classes[:, 1] - classes[:, 0]}
    return [{name: summary(name, value) for name, value in found.items()} for found in (maps, scores)]


def draw_images(vae, labels, noise_of, margin):
    """Images, and their name, for which no unit of the network, as in training, is at its kink."""
    for draw in range(2000):
        name = f"images/{draw}" if draw else "images"
        images = tensor(name, (len(labels), 3, SIZE, SIZE), 0.5, 0.5)
        with Kinks() as kinks, torch.no_grad():
            _, _, mu, logvar = vae.see(images, None)
            mu, logvar = mu[labels == 0], logvar[labels == 0]
            vae.decode(mu + noise_of(mu) * torch.exp(logvar / 2))
        if kinks.nearest > margin:
            return name, images
    raise RuntimeError("every draw has a unit at its kink")


def guidance(a, classes, labels, chosen):
    """What guides the attention: L_ae; or L_bce, as −log of the softmax's probability of each image's own class, and L_cga."""
    if classes is None:
        return {"attention_expansion": (0.01, expansion_loss(a, chosen["expansion"]))}
    called_normal = (classes[labels == 0].argmax(1) == 0).to(a.dtype)
    l_cga = (called_normal * (1 - a[:, 0] + a[:, 1]).mean((1, 2))).sum() / len(labels)
    return {"classification": (0.001, functional.cross_entropy(classes, labels)), "guided_attention": (0.01, l_cga)}


def between(vae, images, labels):
    """What makes the classifier, by a shift of its first bias, call one of the two normal images normal and the other not, as far from
    the edge as can be. Rounded to float32."""
    with torch.no_grad():
        logits = vae.classes(vae.see(images, None)[2])[labels == 0]
    return float(np.float32((logits[:, 1] - logits[:, 0]).mean().item()))


def case(name, parts, config, mu_offset=0.0, supervision="Unsupervised", calls_one_normal=False):
    config = {**TINY, "output_stride": 32, **config}
    chosen = options(config)
    adversary = {"saturating": False, "real_target": 0.9} | config.get("adversary", {})
    labels = torch.tensor(LABELS[supervision])
    vae = fill(Vae(parts, supervision, config, SIZE), "vae.", mu_offset)
    judge = fill(Discriminator(config["dcgan_width"]), "discriminator.")
    noise_of = lambda mu: tensor("noise", tuple(mu.shape), 3**0.5)
    state = {key: value.clone() for key, value in vae.state_dict().items()}
    # A third image in each batch norm, and a decoder of two of the three, are that much further off.
    margin = 1.5 * MARGIN if supervision == "Weak" else MARGIN
    images_name, all_images = draw_images(vae, labels, noise_of, margin)
    # The draws moved the running statistics.
    vae.load_state_dict(state)
    class_offset = between(vae, all_images, labels) if calls_one_normal else 0.0
    if calls_one_normal:
        with torch.no_grad():
            bias = vae.classifier.bias
            bias[0] = torch.tensor(np.float32(bias[0].item()) + np.float32(class_offset)).double()
        vae.load_state_dict({**state, "classifier.bias": bias.detach().clone()})
    features, looked_at, mu, logvar = vae.see(all_images, chosen["stage"])
    classes = vae.classes(mu)
    a = attention(cams(looked_at, mu, classes, chosen), chosen["relu"], chosen["normalize"])[labels == 0]
    # All but the classifier learns from the normal images alone.
    images, mu, logvar = all_images[labels == 0], mu[labels == 0], logvar[labels == 0]
    reconstruction = torch.sigmoid(vae.decode(mu + noise_of(mu) * torch.exp(logvar / 2)))
    per_value = images[0].numel() if config.get("weights", {}).get("reduction") != "sum" else 1
    l_r = functional.binary_cross_entropy(reconstruction, images, reduction="sum") / BATCH / per_value
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(normal(mu, torch.exp(logvar / 2)), normal(0.0, 1.0)).sum() / BATCH / per_value
    fake = judge(reconstruction)
    l_adv = torch.log(1 - torch.sigmoid(fake)).mean() if adversary["saturating"] else bce(fake, 1.0)
    guides = guidance(a, classes, labels, chosen)
    guided = sum(weight * loss for weight, loss in guides.values())
    total = l_r + kl + l_adv + guided
    l_d = bce(judge(images), adversary["real_target"]) + bce(judge(reconstruction.detach()), 0.0)
    losses = {"reconstruction": l_r, "divergence": kl, "adversarial": l_adv, "total": total, "discriminator": l_d}
    losses |= {key: loss for key, (_, loss) in guides.items()}
    # The loss on the attention alone.
    _, l_attention = list(guides.values())[-1]
    found = {
        "losses": {key: number(value) for key, value in losses.items()},
        "features": summary("features", features),
        "attention": summary("attention", a),
        "gradients": gradients(total, vae, "total/"),
        "attention_gradients": gradients(l_attention, vae, "attention/"),
        "discriminator_gradients": gradients(l_d, judge, "discriminator/"),
        "running": running(vae),
    }
    maps, scores = score_mode(vae, all_images, chosen)
    return {
        "name": name,
        "variant": {"parts": parts, "supervision": supervision},
        "config": config,
        "mu_offset": mu_offset,
        "class_offset": class_offset,
        "images": images_name,
        "anomalous": [bool(label) for label in labels],
        "features_shape": list(features.shape),
        **found,
        "maps": maps,
        "scores": scores,
    }


def cases():
    literal = {"adversary": {"saturating": True, "real_target": 1.0}, "weights": {"reduction": "sum"}}
    ask = lambda **keys: {"attention": keys}
    yield case("d", "dcgan", {})
    yield case("d-saturating-sum-of-pixels", "dcgan", literal)
    yield case("d-score-mean", "dcgan", ask(score="mean"))
    yield case("d-min-max", "dcgan", ask(normalize="min-max"))
    yield case("d-relu", "dcgan", ask(relu=True))
    yield case("d-relu-min-max-mean", "dcgan", ask(relu=True, normalize="min-max", score="mean"))
    yield case("d-barrier", "dcgan", ask(expansion="barrier"))
    yield case("r", "resnet", {})
    yield case("r-barrier-shifted", "resnet", ask(expansion="barrier"), mu_offset=0.002)
    yield case("r-mean-min-max-stride-16", "resnet", {"output_stride": 16, **ask(score="mean", normalize="min-max")})
    yield case("r-stride-8", "resnet", {"output_stride": 8, **ask(score="mean")})
    flat = {"latent": {"form": "flat", **TINY["latent"]}}
    yield case("d-flat", "dcgan", flat)
    yield case("d-flat-mean", "dcgan", {**flat, **ask(score="mean", normalize="min-max")})
    yield case("r-flat", "resnet", flat)
    yield case("d-detached", "dcgan", ask(reach="detached"))
    yield case("d-stage-2", "dcgan", ask(reach="detached", stage=2))
    yield case("r-stage-3", "resnet", ask(reach="detached", stage=3, score="mean"))
    weak = lambda name, parts, config, one=True: case(name, parts, config, supervision="Weak", calls_one_normal=one)
    yield weak("d-w", "dcgan", {})
    yield weak("d-w-flat", "dcgan", flat, one=False)
    yield weak("d-w-min-max-relu", "dcgan", ask(normalize="min-max", relu=True))
    yield weak("d-w-stage-3", "dcgan", ask(reach="detached", stage=3))
    yield weak("r-w", "resnet", {})
    yield weak("r-w-flat-stride-16", "resnet", {"output_stride": 16, **flat}, one=False)


def check_resnet():
    """Our ResNet-18 is torchvision's; with dilation, it is the undilated one at more positions."""
    theirs = fill(torchvision.models.resnet18().double(), "resnet.").eval()
    ours = {stride: ResNet18(stride).eval() for stride in (32, 16, 8)}
    state = {name: value for name, value in theirs.state_dict().items() if not name.startswith("fc.")}
    for network in ours.values():
        network.load_state_dict(state)
    images = tensor("images", (BATCH, 3, SIZE, SIZE), 0.5, 0.5)
    features = {stride: network(images) for stride, network in ours.items()}
    captured = []
    theirs.layer4.register_forward_hook(lambda _module, _inputs, output: captured.append(output))
    theirs(torchvision.transforms.functional.normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(features[32], captured[0])
    torch.testing.assert_close(features[16][:, :, ::2, ::2], features[32])
    torch.testing.assert_close(features[8][:, :, ::4, ::4], features[32])
    return [name for name in state if not name.endswith("num_batches_tracked")]


def adam_case(rate, betas):
    shapes = {"weight": (3, 2, 2, 2), "bias": (3,)}
    values = {name: torch.nn.Parameter(tensor("adam." + name, shape)) for name, shape in shapes.items()}
    optimizer = torch.optim.Adam(values.values(), lr=rate, betas=betas, eps=1e-8)
    steps = []
    for step, scale in enumerate((1.0, 0.01, 0.0001)):
        for name, value in values.items():
            value.grad = tensor(f"adam.{name}/{step}", shapes[name], scale)
        optimizer.step()
        steps.append({name: [number(v) for v in value.flatten()] for name, value in values.items()})
    return {"rate": rate, "beta_1": betas[0], "beta_2": betas[1], "steps": steps}


def barrier_cases():
    """Constraints met, at the edge of the tangent, and not met: the loss and its gradient."""
    found = []
    for level in (0.97, 0.92, 0.905, 0.9, 0.5, 0.0):
        a = tensor("barrier", (1, 1, 2, 2), 0.02, level).requires_grad_()
        loss = expansion_loss(a, "barrier")
        (gradient,) = torch.autograd.grad(loss, a)
        found.append({"level": level, "loss": number(loss), "gradient": number(gradient.flatten()[0])})
    return found


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "numpy": np.__version__}
    names = check_resnet()
    adam = [adam_case(1e-3, (0.9, 0.999)), adam_case(2e-4, (0.5, 0.999))]
    nn = {"versions": versions, "resnet18": names, "adam": adam, "barrier": barrier_cases()}
    write(ROOT / "crates/nn/tests/goldens/nn.json", nn)
    write(ROOT / "crates/detect/tests/goldens/cavga.json", {"versions": versions, "cases": list(cases())})


if __name__ == "__main__":
    main()
