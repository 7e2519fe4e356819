//! Building blocks on Burn: layers, backbones, attention, losses, tensors by name.
