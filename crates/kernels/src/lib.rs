//! Fast CPU arithmetic on slices: convolution and its gradients, batch norm, Adam.
