//! Train, evaluate, calibrate, inspect, report: model files and run folders.
