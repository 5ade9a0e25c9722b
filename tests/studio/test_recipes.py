import numpy as np
import pytest

from artgan_lib import ArtganError, Recipe, load_generator, paint_recipes, sample, variations, walk
from artgan_lib.randomness import latents
from artgan_lib.studio.recipes import blend, numbered, slerp


@pytest.mark.parametrize("text", ["7:3", "0:0", "7:3*0.75+8:0*0.25", "1:2*1e-05+3:4*1.0"])
def test_a_recipe_is_written_as_it_is_read(text: str) -> None:
    assert str(Recipe.parse(text)) == text


def test_a_weight_that_is_left_out_is_one_and_spaces_are_allowed() -> None:
    assert Recipe.parse(" 7:3 + 8:0*3 ") == Recipe(((7, 3, 1.0), (8, 0, 3.0)))


@pytest.mark.parametrize(
    "text", ["", "7", "7:", ":3", "7:3*", "7:-1", "-7:1", "7:3*0", "7:3+", "a:b", "7:3*nan", "2147483648:0", "7:3*1e7"]
)
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(ArtganError):
        Recipe.parse(text)


def test_slerp_of_perpendicular_vectors_by_hand() -> None:
    east, north = np.float32([2, 0]), np.float32([0, 2])
    np.testing.assert_allclose(slerp(east, north, 0.5), [2**0.5, 2**0.5], rtol=1e-6)
    np.testing.assert_allclose(slerp(east, north, 1 / 3), [3**0.5, 1], rtol=1e-6)
    np.testing.assert_allclose(slerp(east, 2 * east, 0.25), [2.5, 0], rtol=1e-6)  # parallel: a straight line


def test_a_blend_is_the_slerp_of_its_points_and_weights_count_relatively() -> None:
    one, other = latents(7, [3], 16)[0], latents(8, [0], 16)[0]
    vector = Recipe.parse("7:3*0.75+8:0*0.25").vector(16)
    np.testing.assert_array_equal(vector, slerp(one, other, 0.25))
    np.testing.assert_allclose(Recipe.parse("7:3*3+8:0*1").vector(16), vector, rtol=1e-5)
    np.testing.assert_array_equal(Recipe.parse("7:3").vector(16), one)


def test_blending_blends_goes_through_the_text() -> None:
    half = blend(Recipe.parse("1:0"), Recipe.parse("2:0"), 0.5)
    assert blend(half, Recipe.parse("3:0"), 0.5) == Recipe(((1, 0, 0.25), (2, 0, 0.25), (3, 0, 0.5)))
    assert blend(half, Recipe.parse("3:0"), 0) == half
    assert Recipe.parse(str(half)) == half


def test_a_walk_passes_its_stations_and_a_closed_one_ends_before_the_first() -> None:
    stations = numbered(7, 3)
    path = walk(stations, 4)
    assert len(path) == 9
    assert path[::4] == stations
    assert str(path[1]) == "7:0*0.75+7:1*0.25"
    round_trip = walk(stations, 4, closed=True)
    assert len(round_trip) == 12
    assert str(round_trip[-1]) == "7:2*0.25+7:0*0.75"
    for wrong in ((stations[:1], 4), (stations, 0)):
        with pytest.raises(ArtganError, match="at least two stations"):
            walk(*wrong)


def test_variations_lie_as_near_as_they_are_asked_to() -> None:
    base = Recipe.parse("7:3")
    near, far = (np.stack([v.vector(64) for v in variations(base, amount, 8, seed=1)]) for amount in (0.1, 0.6))
    vector = base.vector(64)
    assert np.linalg.norm(near - vector, axis=1).max() < np.linalg.norm(far - vector, axis=1).min()
    assert len({row.tobytes() for row in near}) == 8
    with pytest.raises(ArtganError, match="amount of variation"):
        variations(base, 0, 8, seed=1)


@pytest.mark.parametrize("truncation", [0.3, 1.0, 2.0])
def test_truncation_draws_again_what_is_too_large_and_leaves_the_rest(truncation: float) -> None:
    free, cut = latents(7, range(20), 100), latents(7, range(20), 100, truncation)
    assert np.abs(cut).max() <= truncation
    inside = np.abs(free) <= truncation
    np.testing.assert_array_equal(cut[inside], free[inside])
    # A normal distribution that is cut at t has the variance 1 - 2 t phi(t) / (2 Phi(t) - 1).
    from scipy.stats import truncnorm

    assert cut.std() == pytest.approx(truncnorm(-truncation, truncation).std(), rel=0.05)
    with pytest.raises(ArtganError, match=r"truncation must lie in 0\.05 to 100"):
        latents(7, [0], 100, 0.01)


def test_a_picture_is_the_same_in_any_company(model: object) -> None:
    generator, _ = load_generator(model)  # type: ignore[arg-type]
    alone = [str(recipe) for recipe in numbered(7, 4)] + ["7:3*0.5+8:0*0.5", "9:1*0.1+2:2*0.9"]
    company = [*numbered(5, 20), *map(Recipe.parse, alone), *numbered(6, 3)]
    painted = paint_recipes(generator, company)
    assert len(painted) == 29
    for place, text in enumerate(alone, 20):
        assert np.array_equal(paint_recipes(generator, [Recipe.parse(text)])[0], painted[place])
    assert np.array_equal(painted[20:24], sample(generator, 7, 4))
    assert not np.array_equal(sample(generator, 7, 4, truncation=0.5), painted[20:24])


def test_a_neighbour_is_never_the_picture_itself_and_numpys_numbers_are_plain() -> None:
    base = Recipe.parse("0:2")
    near = variations(base, 0.3, 4, seed=0)
    assert len(near) == 4
    assert all(len(recipe.points) == 2 and recipe.points[1][:2] != (0, 2) for recipe in near)
    share = np.linspace(0, 1, 5)[1]
    assert str(blend(Recipe.parse("1:0"), Recipe.parse("2:0"), share)) == "1:0*0.75+2:0*0.25"
