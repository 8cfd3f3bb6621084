"""A feed-forward network with ReLU units under Adam, as small and as fast as NumPy allows.

All weights are views into one vector, so that a step of Adam is a handful of operations. It has no
early stopping and keeps the last weights: what the slides print, ten thousand epochs, means 290,000
steps, and `mcrepro.solvers.neural` is made for less. Defaults are those of the slides: learning
rate .001, batches of 64; for Adam's other constants the customary ones.
"""

import itertools

import numpy as np


class Net:
    """A network from `sizes[0]` inputs to `sizes[-1]` outputs, with ReLU units between.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, inputs and outputs included.
    rng : Generator
        Draws the weights, uniformly as Glorot and Bengio do, and the order of the batches.
    dtype : dtype, default float32
    """

    def __init__(self, sizes, rng, dtype=np.float32):
        self.rng = rng
        pairs = list(itertools.pairwise(sizes))
        count = sum((a + 1) * b for a, b in pairs)
        self.weights = np.zeros(count, dtype)
        self.gradient = np.zeros(count, dtype)
        self._first, self._second = np.zeros(count, dtype), np.zeros(count, dtype)
        self._work = np.empty(count, dtype)
        self._step = 0
        self._layers, self._slopes = [], []
        start = 0
        for a, b in pairs:
            middle, end = start + a * b, start + (a + 1) * b
            for vector, views in (self.weights, self._layers), (self.gradient, self._slopes):
                views.append((vector[start:middle].reshape(a, b), vector[middle:end]))
            bound = np.sqrt(6 / (a + b))
            self.weights[start:middle] = rng.uniform(-bound, bound, a * b)
            start = end

    def __call__(self, inputs):
        """Outputs for inputs of shape (N, sizes[0])."""
        return self._forward(np.asarray(inputs, self.weights.dtype))[-1]

    def loss(self, inputs, targets):
        """Mean squared error of an output; fills `gradient`."""
        activations = self._forward(inputs)
        error = activations[-1] - targets
        value = np.vdot(error, error) / error.size
        error *= 2 / error.size
        for k in reversed(range(len(self._layers))):
            slope_C, slope_b = self._slopes[k]
            np.matmul(activations[k].T, error, out=slope_C)
            error.sum(axis=0, out=slope_b)
            if k:
                error = error @ self._layers[k][0].T
                error *= activations[k] > 0
        return value

    def fit(self, inputs, targets, epochs, rate=1e-3, batch=64):
        """Train, and return the mean loss of each epoch, measured before its steps.

        `inputs` may be a function from an epoch's generator to inputs, for data that vary.
        """
        dtype = self.weights.dtype
        targets = np.asarray(targets, dtype)
        history = []
        for _ in range(epochs):
            shown = inputs(self.rng) if callable(inputs) else inputs
            shown = np.asarray(shown, dtype)
            order = self.rng.permutation(len(targets))
            shuffled, wanted = shown[order], targets[order]
            losses = []
            for start in range(0, len(order), batch):
                stop = start + batch
                losses.append(self.loss(shuffled[start:stop], wanted[start:stop]))
                self._adam(rate)
            history.append(float(np.mean(losses)))
        return history

    def _forward(self, inputs):
        activations = [inputs]
        for k, (C, b) in enumerate(self._layers):
            outputs = activations[-1] @ C
            outputs += b
            if k + 1 < len(self._layers):
                np.maximum(outputs, 0, out=outputs)
            activations.append(outputs)
        return activations

    def _adam(self, rate, beta1=0.9, beta2=0.999, floor=1e-8):
        self._step += 1
        g, work = self.gradient, self._work
        self._first *= beta1
        np.multiply(g, 1 - beta1, out=work)
        self._first += work
        self._second *= beta2
        np.multiply(g, g, out=work)
        work *= 1 - beta2
        self._second += work
        # Both bias corrections go into the rate, as in Adam's efficient form.
        correction = np.sqrt(1 - beta2**self._step)
        np.sqrt(self._second, out=work)
        work += floor * correction
        np.divide(self._first, work, out=work)
        work *= rate * correction / (1 - beta1**self._step)
        self.weights -= work
