"""Fills of images and traffic by hand, masks, and the statistics of the ratings."""

import numpy as np
import pandas as pd
import pytest

from mcrepro.experiments.textbook import inpainting, ratings, traffic


def test_pictures():
    photo, tiles = inpainting.picture("photo"), inpainting.picture("tiles")
    assert photo.shape == (142, 214)
    assert tiles.shape == (120, 180)
    assert np.linalg.matrix_rank(tiles) == 3
    for image in (photo, tiles):
        assert 0 <= image.min() < image.max() <= 1


def test_neighbours_continue_a_plane():
    y, x = np.mgrid[:9, :11]
    plane = 0.3 + 0.02 * x + 0.03 * y  # harmonic: every pixel inside is the mean of its neighbours
    hide = np.zeros(plane.shape, bool)
    hide[3:6, 2:8] = True
    spoiled = np.where(hide, 7.0, plane)
    np.testing.assert_allclose(inpainting.from_neighbours(spoiled, hide), plane, rtol=1e-12)


def test_low_rank_fills_the_tiles_and_reads_no_hidden_pixel():
    tiles = inpainting.picture("tiles")[:60, :90]
    hide = inpainting.hidden("patch", tiles.shape, np.random.default_rng(0))
    assert 0 < hide.mean() < 0.1
    filled = inpainting.by_low_rank(np.where(hide, 0.5, tiles), hide, 4)
    np.testing.assert_allclose(filled, tiles, atol=1e-3)


def test_traffic_has_rank_four_and_whole_outages():
    rng = np.random.default_rng(0)
    expected, noisy = traffic.counts(rng, 5, 14)
    assert expected.shape == noisy.shape == (70, 96)
    assert np.linalg.matrix_rank(expected) == 4
    out = traffic.lost("outages", noisy.shape, rng)
    assert (out.sum(axis=1) == 24).all()
    assert (np.abs(np.diff(out.astype(int), axis=1)).sum(axis=1) <= 2).all()
    assert traffic.lost("single", (200, 96), rng).mean() == pytest.approx(0.25, abs=0.02)


def test_straight_line_by_hand():
    table = np.array([[0.0, 9.0, 9.0, 3.0]])
    gap = np.array([[False, True, True, False]])
    np.testing.assert_allclose(traffic.along_the_day(table, gap), [[0, 1, 2, 3]])


def test_low_rank_fills_outages_better_than_the_mean_of_the_hour():
    row = traffic.trial(np.random.SeedSequence(1), lose="outages", rank=5, detectors=5)
    assert row["low_rank"] < 0.7 * min(row["time_of_day"], row["along"])


def test_rating_statistics_of_a_planted_table():
    table = pd.DataFrame(
        {
            "rank": [2, 2, 5, 5],
            "overall": 1.0,
            "person": [0.9, 0.9, 0.9, 0.9],
            "factors": [0.95, 0.95, 0.8, 0.8],
        }
    )
    assert ratings.gain_over_means(table).value == pytest.approx(0.1)
    assert ratings.explained(table).value == pytest.approx(0.36)


def test_ratings_row():
    row = ratings.trial(np.random.SeedSequence(2), dataset="ml-small-2016", films=60, rank=1)
    assert row["factors"] < row["person"] < row["film"] < row["overall"] < 1.2
    assert np.allclose(ratings._deviations(np.array([0, 0]), np.array([1.0, 2.0]), 2), [3 / 7, 0])
