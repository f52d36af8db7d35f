"""Travelling waves on deep water, as a map of heights that tiles."""

import numpy as np


class Waves:
    """A patch of travelling deep-water waves that tiles, as in Tessendorf (2001): each of its Fourier modes turns at
    the frequency that the dispersion relation w^2 = g k gives it.

    `heading` (x, z) is where they go; a larger `focus` lets fewer go elsewhere. `longest` and `shortest` are
    wavelengths, and `span` the tile's side, in units in which gravity is `gravity`.
    """

    def __init__(self, rng, texels, span, longest, shortest, heading, focus, gravity):
        self.texels, self.span = texels, span
        k = np.fft.fftfreq(texels, span / texels) * 2 * np.pi
        self.kz, self.kx = np.meshgrid(k, k, indexing="ij")
        length = np.maximum(np.hypot(self.kx, self.kz), 1e-6)
        along = (self.kx * heading[0] + self.kz * heading[1]) / length / np.hypot(*heading)
        # Phillips' spectrum, k^-4 in energy, between the band's ends; waves against the heading are left out.
        band = np.exp(-(length * shortest / (2 * np.pi)) ** 4 - (2 * np.pi / (length * longest)) ** 4)
        size = length ** -2 * band * np.maximum(along, 0) ** focus
        noise = rng.standard_normal((2, texels, texels))
        self.modes = (noise[0] + 1j * noise[1]) * size
        self.turning = np.sqrt(gravity * length)
        slopes = np.abs(self.modes * length) ** 2
        self.mean = [float(np.sqrt((slopes * k ** 2).sum() / slopes.sum())) for k in (self.kx, self.kz)]

    def heights(self, times, steepness):
        """The surface at each time, `[times, texels, texels]`, with slopes of the root mean square `steepness`."""
        turned = self.modes * np.exp(-1j * self.turning * np.asarray(times)[:, None, None])
        out = np.fft.ifft2(turned.astype(np.complex64)).real.astype(np.float32)
        dx, dz = self.slopes(out[:1])
        return out * (steepness / np.sqrt((dx ** 2 + dz ** 2).mean()))

    def slopes(self, heights):
        """How steeply `heights` rise along x and z."""
        scale = self.texels / self.span / 2
        return tuple((np.roll(heights, -1, axis) - np.roll(heights, 1, axis)) * scale for axis in (-1, -2))

    def seen(self, across, ahead):
        """How much of the waves is left where a pixel covers so much of the surface across and ahead."""
        return np.exp(-0.5 * ((self.mean[0] * across) ** 2 + (self.mean[1] * ahead) ** 2) * 0.5)
