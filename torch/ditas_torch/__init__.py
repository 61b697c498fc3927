"""The networks of ditas in PyTorch: the paper's five systems, Deep-Steg, Kreuk's model and the restorer.

Configurations, data and weights are those of the Go program: `systems.load` reads its weights, `train` continues its
runs, and what is trained here reveals there. `random` draws what the Go program draws from the same seed.
"""
