"""The random numbers of the Go program: package math/rand/v2's PCG, and what is drawn from it.

The same seed gives the same weights to start from and the same examples in every step, there and here.
"""
import math
from typing import List

import numpy as np

MASK = 2**64 - 1
MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
INCREMENT = 6364136223846793005 << 64 | 1442695040888963407


class Random:
    """A permuted congruential generator with 128 bits of state and DXSM output (O'Neill 2014, and 2021 for DXSM)."""

    def __init__(self, high: int, low: int):
        self.state = (high & MASK) << 64 | low & MASK

    def uint64(self) -> int:
        """Any of 2^64 numbers."""
        self.state = (self.state * MULTIPLIER + INCREMENT) & (2**128 - 1)
        high, low = self.state >> 64, self.state & MASK
        high ^= high >> 32
        high = high * 0xDA942042E4DD58B5 & MASK
        high ^= high >> 48
        return high * (low | 1) & MASK

    def below(self, n: int) -> int:
        """Any of 0 … n−1 (Lemire, Fast random integer generation in an interval, 2019)."""
        if n & (n - 1) == 0:
            return self.uint64() & (n - 1)
        product = self.uint64() * n
        if product & MASK < n:
            least = 2**64 % n
            while product & MASK < least:
                product = self.uint64() * n
        return product >> 64

    def uniform(self) -> float:
        """A multiple of 2^-53 in [0, 1)."""
        return (self.uint64() & (2**53 - 1)) / 2**53

    def between(self, low: float, high: float) -> float:
        """A number from low to high, both positive, whose logarithm is uniform."""
        return low * math.exp(self.uniform() * math.log(high / low))

    def normal(self) -> float:
        """A number of the standard normal distribution, by the ziggurat of Marsaglia and Tsang (2000)."""
        while True:
            u = self.uint64()
            j, i = u & 0xFFFFFFFF, u >> 32 & 0x7F
            if j >= 2**31:
                j -= 2**32
            x = j * WIDTH[i]
            if abs(j) < INNER[i]:
                return x
            if i == 0:
                while True:
                    x = -math.log(self.uniform()) * (1.0 / TAIL)
                    y = -math.log(self.uniform())
                    if y + y >= x * x:
                        return TAIL + x if j > 0 else -TAIL - x
            height = np.float32(HEIGHT[i]) + np.float32(self.uniform()) * (
                np.float32(HEIGHT[i - 1]) - np.float32(HEIGHT[i])
            )
            if height < np.float32(math.exp(-0.5 * x * x)):
                return x

    def normals(self, n: int) -> np.ndarray:
        """n such numbers."""
        return np.array([self.normal() for _ in range(n)])


TAIL = 3.442619855899
"""Where the tail of the ziggurat begins."""


def ziggurat():
    """The 128 strips of the ziggurat, as in Marsaglia and Tsang's program: limits of j, widths and heights."""
    area, m = 9.91256303526217e-3, 2.0**31
    x, last = TAIL, TAIL
    q = area / math.exp(-0.5 * x * x)
    inner, width, height = [0] * 128, [0.0] * 128, [0.0] * 128
    inner[0], inner[1] = int(x / q * m), 0
    width[0], width[127] = q / m, x / m
    height[0], height[127] = 1.0, math.exp(-0.5 * x * x)
    for i in range(126, 0, -1):
        x = math.sqrt(-2 * math.log(area / x + math.exp(-0.5 * x * x)))
        inner[i + 1] = int(x / last * m)
        last = x
        height[i] = math.exp(-0.5 * x * x)
        width[i] = x / m
    return inner, [float(np.float32(w)) for w in width], [float(np.float32(h)) for h in height]


INNER, WIDTH, HEIGHT = ziggurat()


def mix(x: int) -> int:
    """The output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def of_example(seed: int, step: int, index: int) -> Random:
    """The source of one example of a step, both counted from 0."""
    a = mix(mix(seed) ^ step)
    return Random(a, mix(a ^ index))


def permutation(n: int, stage: int) -> List[int]:
    """Fisher and Yates's shuffle of 0 … n−1, driven by SplitMix64 started at the number of a stage."""
    order, state = list(range(n)), stage
    for i in range(n - 1, 0, -1):
        j = mix(state) % (i + 1)
        state = (state + 0x9E3779B97F4A7C15) & MASK
        order[i], order[j] = order[j], order[i]
    return order
