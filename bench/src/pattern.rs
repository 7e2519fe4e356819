//! Numbers that both sides make alike, without a file between them.

use burn::tensor::{Device, Tensor, TensorData};

use crate::inference::Batched;

/// `index·7919 mod 1009`, over 1009: in [0, 1), the same bits here and in `bench/peers/pattern.py`.
pub(crate) fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| (index * 7919 % 1009) as f32 / 1009.0)
        .collect()
}

/// The same about 0, for gradients and weights.
pub(crate) fn centred(count: usize) -> Vec<f32> {
    let mut values = values(count);
    values.iter_mut().for_each(|value| *value -= 0.5);
    values
}

/// Images `[batch, 3, size, size]` on the CPU, off the tape.
pub(crate) fn images(Batched { batch, size }: Batched) -> Tensor<4> {
    let data = TensorData::new(values(batch * 3 * size * size), [batch, 3, size, size]);
    Tensor::from_data(data, &Device::flex())
}
