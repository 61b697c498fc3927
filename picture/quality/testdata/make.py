#!/usr/bin/env python3
"""Makes the picture pairs in this folder and expected.json, what the measures must say about them.

Needs numpy, scipy, scikit-image (made with 0.19) and Pillow. SSIM is scikit-image's with the settings of Wang et al. 2004;
MS-SSIM is written here from the formula with scipy's two-dimensional correlation, on whole maps and without separating the
window. Everything is synthetic.
"""
import io
import json
import os

import numpy as np
from PIL import Image
from scipy.signal import correlate2d
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(7)


def scene(w, h):
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([x / w, 0.5 + 0.5 * np.sin(x / 11 + y * y / 900), ((x // 8 + y // 8) % 2) * 0.6 + 0.2 * y / h], -1)
    rgb[h // 4:h // 2, w // 3:w // 2] = (0.9, 0.2, 0.3)
    return np.uint8(np.round(255 * rgb))


def noisy(a, sigma):
    return np.uint8(np.clip(np.round(a + rng.normal(0, sigma, a.shape)), 0, 255))


def jpeg(a, quality):
    buf = io.BytesIO()
    Image.fromarray(a).save(buf, "JPEG", quality=quality)
    return np.asarray(Image.open(buf))


window = np.exp(-(np.arange(11) - 5.0) ** 2 / (2 * 1.5 ** 2))
window = np.outer(window, window)
window /= window.sum()


def maps(x, y):
    """SSIM and contrast-structure maps at the window's positions inside the picture."""
    mean = lambda a: correlate2d(a, window, mode="valid")
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean((x - mx.mean()) ** 2), mean((y - my.mean()) ** 2), mean((x - mx.mean()) * (y - my.mean()))
    vx, vy, vxy = vx - (mx - mx.mean()) ** 2, vy - (my - my.mean()) ** 2, vxy - (mx - mx.mean()) * (my - my.mean())
    cs = (2 * vxy + c2) / (vx + vy + c2)
    return (2 * mx * my + c1) / (mx ** 2 + my ** 2 + c1) * cs, cs


def ms_ssim(x, y):
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    levels = [(x, y)]
    while len(levels) < 5 and min(levels[-1][0].shape) // 2 >= 11:
        pool = lambda a: a[:a.shape[0] // 2 * 2, :a.shape[1] // 2 * 2].reshape(a.shape[0] // 2, 2, a.shape[1] // 2, 2).mean((1, 3))
        levels.append(tuple(pool(a) for a in levels[-1]))
    weights = weights[:len(levels)] / weights[:len(levels)].sum()
    terms = [maps(*level)[1].mean() for level in levels[:-1]] + [maps(*levels[-1])[0].mean()]
    return float(np.prod(np.maximum(terms, 0) ** weights))


small, odd, large = scene(64, 64), scene(45, 27), scene(181, 177)
pairs = {
    "noise": (small, noisy(small, 12)),
    "jpeg": (small, jpeg(small, 20)),
    "one-step": (small, np.where(small < 255, small + 1, small - 1).astype(np.uint8)),
    "inverse": (small, 255 - small),
    "odd": (odd, noisy(odd, 30)),
    "least": (odd[:11, :11], noisy(odd[:11, :11], 8)),
    "large": (large, large // 48 * 48 + 12),
}
expected = []
for name, (a, b) in pairs.items():
    Image.fromarray(a).save(name + "-a.png", optimize=True)
    Image.fromarray(b).save(name + "-b.png", optimize=True)
    x, y = a / 255.0, b / 255.0
    ssim = structural_similarity(x, y, channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5,
                                 use_sample_covariance=False)
    ours = np.mean([maps(x[:, :, c], y[:, :, c])[0].mean() for c in range(3)])
    assert abs(ssim - ours) < 1e-9, (name, ssim, ours)
    expected.append({
        "name": name, "mse": mean_squared_error(x, y), "psnr": peak_signal_noise_ratio(x, y, data_range=1),
        "ssim": ssim, "msssim": float(np.mean([ms_ssim(x[:, :, c], y[:, :, c]) for c in range(3)]))})

json.dump(expected, open("expected.json", "w"), indent=1)
