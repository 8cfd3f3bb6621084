"""A network that maps the observed entries of a random low-rank matrix to all of its entries."""

import numpy as np

from mcrepro._checks import integer, real

_HELD_OUT = 0.1
_LIMIT = 20


class Network:
    """A multilayer perceptron with ReLU units for one mask, and its training.

    What it predicts, and every number measured on it, belong to the weights that did best on the
    held-out matrices so far; before the first epoch it predicts zero, the mean of the data model.

    Attributes
    ----------
    mask : ndarray of bool, shape (n1, n2)
    epochs : int
        Passes over the training matrices so far.
    best_epoch : int
        The one that the weights come from.
    history : list of dict
        Per epoch: "training" and "validation", half the mean squared error of an entry on the
        training matrices (during the epoch) and on the held-out ones (after it).
    validation : float
        Least value of "validation".
    unobserved_error : float
        ``||prediction - truth||_F / ||truth||_F`` over the unobserved entries of all held-out
        matrices: 1 is what predicting zero gives.
    """

    def __init__(
        self, mask, rank, rng, n_matrices, hidden_layers, width, learning_rate, batch_size
    ):
        n_matrices = integer("n_matrices", n_matrices, 10)
        hidden_layers = integer("hidden_layers", hidden_layers, 1, 2)
        width = 8 * mask.size if width is None else integer("width", width, 1)
        learning_rate = real("learning_rate", learning_rate, 0, open_low=True)
        batch_size = integer("batch_size", batch_size, 1)
        # A second or so that whoever uses other methods need not wait.
        from sklearn.neural_network import MLPRegressor

        n1, n2 = mask.shape
        if max(n1, n2) > _LIMIT:
            raise ValueError(
                f"neural is for matrices of at most {_LIMIT} x {_LIMIT}, got {n1} x {n2}: its "
                "weights grow like the square of the number of entries; other methods scale"
            )
        if mask.all() or not mask.any():
            raise ValueError("neural needs both observed and unobserved entries to learn from")
        self.mask = mask
        factors = rng.standard_normal((n_matrices, n1 + n2, rank))
        matrices = factors[:, :n1] @ factors[:, n1:].transpose(0, 2, 1)
        n_held_out = max(1, round(_HELD_OUT * n_matrices))
        self._held_out, self._training = matrices[:n_held_out], matrices[n_held_out:]
        self._regressor = MLPRegressor(
            hidden_layer_sizes=(width,) * hidden_layers,
            activation="relu",
            solver="adam",
            alpha=0.0,
            learning_rate_init=learning_rate,
            batch_size=min(batch_size, len(self._training)),
            random_state=np.random.RandomState(rng.integers(2**32, dtype=np.uint64)),
        )
        self._layers: tuple = ()
        self.epochs = self.best_epoch = 0
        self.history = []
        self.validation, self.unobserved_error = self._score(self._layers)

    def train_epoch(self):
        """One pass of Adam over the training matrices."""
        inputs = self._training[:, self.mask]
        self._regressor.partial_fit(inputs, self._training.reshape(len(inputs), -1))
        self.epochs += 1
        layers = tuple(zip(self._regressor.coefs_, self._regressor.intercepts_, strict=True))
        validation, unobserved_error = self._score(layers)
        self.history.append({"training": float(self._regressor.loss_), "validation": validation})
        if validation < self.validation:
            self._layers = tuple((C.copy(), b.copy()) for C, b in layers)
            self.best_epoch = self.epochs
            self.validation, self.unobserved_error = validation, unobserved_error

    def predict(self, matrices):
        """All entries, predicted from the observed ones.

        Parameters
        ----------
        matrices : array_like, shape (n1, n2) or (N, n1, n2)
            Drawn like the training matrices, or scaled to entries of variance `rank`. Entries
            outside the mask are not looked at, and may be NaN.

        Returns
        -------
        ndarray, of the same shape
            The output of the network, at the observed entries too.
        """
        matrices = np.asarray(matrices, dtype=np.float64)
        if matrices.ndim not in (2, 3) or matrices.shape[-2:] != self.mask.shape:
            raise ValueError(
                f"matrices must have shape {self.mask.shape} or (N, *{self.mask.shape}), "
                f"got {matrices.shape}"
            )
        return self._forward(self._layers, matrices)

    def _forward(self, layers, matrices):
        if not layers:
            return np.zeros_like(matrices)
        outputs = matrices[..., self.mask]
        for C, b in layers[:-1]:
            outputs = np.maximum(outputs @ C + b, 0.0)
        C, b = layers[-1]
        return (outputs @ C + b).reshape(matrices.shape)

    def _score(self, layers):
        error = self._forward(layers, self._held_out) - self._held_out
        unobserved = np.linalg.norm(error[:, ~self.mask])
        scale = np.linalg.norm(self._held_out[:, ~self.mask])
        return 0.5 * float(np.mean(error**2)), float(unobserved / scale)
