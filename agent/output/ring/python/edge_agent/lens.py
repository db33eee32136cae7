"""Points through the lens of a camera whose frames are undistorted: numpy."""

import numpy


class Lens:
    """Where a point of the undistorted picture lies in the camera's own, and the
    other way round: PROTOCOL.md has the formulas. description is that of the ring;
    width and height are the camera's. Points are numbers, or arrays of them."""

    def __init__(self, description, width, height):
        sx, sy = width / description["width"], height / description["height"]
        self.camera, self.picture = (
            (m["fx"] * sx, m["fy"] * sy, m["cx"] * sx, m["cy"] * sy)
            for m in (description["camera"], description["picture"])
        )
        self.fisheye = description["model"] == "fisheye"
        self.k, self.limit = description["coefficients"], description["limit"]
        self.tilt = numpy.eye(3) if self.fisheye else tilt(*self.k[12:])

    def to_camera(self, x, y):
        """NaN where the lens shows nothing."""
        fx, fy, cx, cy = self.picture
        x, y = (numpy.asarray(x) - cx) / fx, (numpy.asarray(y) - cy) / fy
        seen = numpy.hypot(x, y) <= self.limit
        x, y = self.bend(x, y)
        fx, fy, cx, cy = self.camera
        return numpy.where(seen, fx * x + cx, numpy.nan), numpy.where(seen, fy * y + cy, numpy.nan)

    def from_camera(self, x, y):
        """NaN for points that the undistorted picture has nowhere."""
        fx, fy, cx, cy = self.camera
        x, y = self.straighten((numpy.asarray(x) - cx) / fx, (numpy.asarray(y) - cy) / fy)
        fx, fy, cx, cy = self.picture
        return fx * x + cx, fy * y + cy

    def radius(self, r):
        """How far from the axis, in focal lengths, the lens puts what is at r."""
        k = self.k
        if self.fisheye:
            t = numpy.arctan(r)
            return t * (1 + t**2 * (k[0] + t**2 * (k[1] + t**2 * (k[2] + t**2 * k[3]))))
        above, below = (k[0], k[1], k[4]), (k[5], k[6], k[7])
        series = lambda k: 1 + r**2 * (k[0] + r**2 * (k[1] + r**2 * k[2]))
        return r * series(above) / series(below)

    def bend(self, x, y):
        """A ray of an ideal camera to where the lens puts it."""
        r = numpy.hypot(x, y)
        scale = self.radius(r) / numpy.maximum(r, 1e-300)
        scale = numpy.where(r > 0, scale, 1)
        if self.fisheye:
            return x * scale, y * scale
        p1, p2, s = self.k[2], self.k[3], self.k[8:12]
        return project(
            self.tilt,
            x * scale + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2) + r**2 * (s[0] + r**2 * s[1]),
            y * scale + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y + r**2 * (s[2] + r**2 * s[3]),
        )

    def straighten(self, x, y):
        """The inverse: the radial part by bisection, then all by Newton's method."""
        u, v = project(numpy.linalg.inv(self.tilt), x, y)
        bent = numpy.maximum(numpy.hypot(u, v), 1e-300)
        low, high = numpy.zeros_like(bent), numpy.full_like(bent, self.limit)
        for _ in range(60):
            middle = (low + high) / 2
            below = self.radius(middle) < bent
            low, high = numpy.where(below, middle, low), numpy.where(below, high, middle)
        u, v, h = u * high / bent, v * high / bent, 1e-6
        for _ in range(10):
            ex, ey = numpy.subtract((x, y), self.bend(u, v))
            xx, yx = numpy.subtract(self.bend(u + h, v), self.bend(u - h, v)) / (2 * h)
            xy, yy = numpy.subtract(self.bend(u, v + h), self.bend(u, v - h)) / (2 * h)
            d = xx * yy - xy * yx
            d = numpy.where(d == 0, numpy.inf, d)
            u, v = u + (yy * ex - xy * ey) / d, v + (xx * ey - yx * ex) / d
        error = numpy.hypot(*numpy.subtract((x, y), self.bend(u, v)))
        found = (error < 1e-7) & (numpy.hypot(u, v) <= self.limit)
        return numpy.where(found, u, numpy.nan), numpy.where(found, v, numpy.nan)


def tilt(tau_x, tau_y):
    """The homography of a tilted sensor."""
    (sx, cx), (sy, cy) = ((numpy.sin(t), numpy.cos(t)) for t in (tau_x, tau_y))
    about_x = numpy.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = numpy.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    r = about_y @ about_x
    return numpy.array([[r[2, 2], 0, -r[0, 2]], [0, r[2, 2], -r[1, 2]], [0, 0, 1]]) @ r


def project(h, x, y):
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    return (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w
