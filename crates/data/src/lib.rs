//! What is looked at: datasets on disk, decoding, masks, splits, generated sets.
