#!/usr/bin/env python3
"""Makes masking.json, the noise-to-mask ratios that Masking must find in recordings that its test generates.

Needs numpy and scipy. Written from the formulas of ITU-R BS.1387 and Kabal's report, with matrices where the package has
loops. Besides the package's rule for other rates there is the standard at its own, for a recording brought to 48 kHz.
"""
import json
import os

import numpy as np
from scipy.signal import resample_poly

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def noise(n, seed):
    """Uniform in [-1, 1): a linear congruential generator."""
    out = np.empty(n)
    for i in range(n):
        seed = (seed * 1664525 + 1013904223) % 2 ** 32
        out[i] = seed / 2 ** 31 - 1
    return out


def recordings(rate, n):
    """A cover of three tones and some noise that fades by 60 dB, and the same with white noise that pauses."""
    t = np.arange(n) / rate
    tones = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1370 * t) + 0.1 * np.sin(2 * np.pi * 3200 * t)
    cover = 10 ** (-3 * np.arange(n) / n) * (tones + 0.05 * noise(n, 1))
    error = 0.002 * noise(n, 2)
    error[n // 4:n // 2] = 0
    return cover, cover + error


def bark(f):
    return 7 * np.arcsinh(f / 650)


def hertz(z):
    return 650 * np.sinh(z / 7)


def noise_to_mask(x, y, rate, top=18000):
    """Noise over mask by frame and band, for bands that end at top."""
    hop = int(np.floor(rate * 1024 / 48000 + 0.5))
    length = 2 * hop
    points = 1 << (length - 1).bit_length()
    edges = np.append(np.arange(bark(80), bark(min(top, rate / 2)), 0.25), bark(min(top, rate / 2)))
    low, high, centre = hertz(edges[:-1]), hertz(edges[1:]), hertz((edges[:-1] + edges[1:]) / 2)
    n = len(centre)

    # Window and calibration: the largest bin of a full-scale sine of 1019.5 Hz has 92 dB at 48 kHz.
    window = np.hanning(length)
    standard = np.hanning(2048)
    sine = np.sin(2 * np.pi * 1019.5 / 48000 * np.arange(2048) + 0.3)
    level = np.abs(np.fft.rfft(standard * sine)).max() / standard.sum()
    gain = 10 ** (92 / 20) / (level * window.sum()) * np.sqrt(length / points)

    df = rate / points
    f = np.arange(points // 2 + 1) * df
    k = f[1:] / 1000
    ear = np.append(0, 10 ** ((-2.184 * k ** -0.8 + 6.5 * np.exp(-0.6 * (k - 3.3) ** 2) - 0.001 * k ** 3.6) / 10))
    group = np.clip(np.minimum(high[:, None], f + df / 2) - np.maximum(low[:, None], f - df / 2), 0, None) / df * ear

    internal = 10 ** (1.456 * (centre / 1000) ** -0.8 / 10)
    away = np.arange(n)[:, None] - np.arange(n)[None, :]  # bands from the source, the column, up to the row

    def spread(e):
        up = (-24 - 230 / centre + 0.2 * 10 * np.log10(e))[None, :]
        slopes = 10 ** (np.where(away < 0, 27, up) * away * 0.25 / 10)
        return np.sum((slopes / slopes.sum(0) * e) ** 0.4, 1) ** 2.5

    unit = spread(np.ones(n))
    decay = np.exp(-hop / rate / (0.008 + 100 / centre * 0.022))
    distance = np.arange(n) * 0.25
    offset = 10 ** (np.where(distance <= 12, 3, 0.25 * distance) / 10)

    frames = max(1, (len(x) - 1) // hop)
    x, y = (np.append(s, np.zeros(max(0, (frames + 1) * hop - len(s)))) for s in (x, y))
    fading, out = np.zeros(n), []
    for i in range(frames):
        a, b = (gain * np.abs(np.fft.rfft(window * s[i * hop:][:length], points)) for s in (x, y))
        excited = spread(group @ a ** 2 + internal) / unit
        fading = decay * fading + (1 - decay) * excited
        out.append(group @ (b - a) ** 2 * offset / np.maximum(fading, excited))
    return np.array(out)


def decibels(v):
    """null is minus infinity."""
    return round(10 * float(np.log10(v)), 9) if v > 1e-20 else None


cases = []
for rate, n in ((48000, 12000), (44100, 11025), (16000, 4000), (8000, 2000), (96000, 24000), (16000, 200)):
    ratios = noise_to_mask(*recordings(rate, n), rate)
    cases.append({"rate": rate, "samples": n, "frames": [
        {"mean": decibels(r.mean()), "max": decibels(r.max())} for r in ratios]})

# The standard itself, in the bands below 8 kHz and without what the resampler adds above them.
cover, stego = recordings(16000, 48000)
ratios = noise_to_mask(resample_poly(cover, 3, 1), resample_poly(stego, 3, 1), 48000)[:, :86]
resampled = {"rate": 16000, "samples": 48000, "mean": decibels(ratios.mean())}

json.dump({"cases": cases, "resampled": resampled}, open("masking.json", "w"), indent=1)
