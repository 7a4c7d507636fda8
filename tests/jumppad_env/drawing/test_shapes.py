"""Convex faces that cover the MJCF's geoms, no more and no less."""

import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import shapes
from jumppad_env.drawing.scenery import HIDDEN_GROUP, load_model
from jumppad_env.rules import CHARACTERS

UP = np.array([0.0, 0.0, 1.0])


def area(polygon: np.ndarray) -> float:
    return float(np.linalg.norm(np.cross(polygon, np.roll(polygon, -1, axis=0)).sum(axis=0))) / 2


def assert_convex_and_flat(face: np.ndarray, normal: np.ndarray) -> None:
    edges = np.roll(face, -1, axis=0) - face
    turns = np.cross(edges, np.roll(edges, -1, axis=0)) @ normal
    assert turns.min() > -1e-6
    assert np.ptp(face @ normal) < 1e-4
    # A loop that goes round twice is not convex, though it never turns the wrong way.
    angles = np.arctan2(
        np.linalg.norm(np.cross(edges, np.roll(edges, -1, axis=0)), axis=1),
        np.sum(edges * np.roll(edges, -1, axis=0), axis=1),
    )
    assert angles.sum() == pytest.approx(2 * np.pi, abs=1e-3)


def geom(attributes: str) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(f"<mujoco><worldbody><geom {attributes}/></worldbody></mujoco>")


@pytest.mark.parametrize("character", list(CHARACTERS))
def test_faces_are_convex_and_cover_the_triangles_of_every_geom(character):
    model = load_model(character)
    fewer = 0
    for index in range(model.ngeom):
        of_figure = model.body_weldid[model.geom_bodyid[index]] != 0
        if model.geom_group[index] == HIDDEN_GROUP or not (of_figure or character == "rider"):
            continue  # the island is the same for all
        triangles, faces = shapes._geom_triangles(model, index), shapes.geom_faces(model, index)
        assert len(faces) <= len(triangles)
        fewer += len(faces) < len(triangles)
        for face in faces:
            assert_convex_and_flat(face, shapes.normal(face))
        wanted, drawn = [], []
        for polygons, totals in ((triangles, wanted), (faces, drawn)):
            totals.append(sum(map(area, polygons)))
            totals += list(np.sum([area(polygon) * shapes.normal(polygon) for polygon in polygons], axis=0))
        assert np.allclose(drawn, wanted, rtol=1e-4, atol=1e-4 * wanted[0])
    assert fewer > 15


@pytest.mark.parametrize(
    ("attributes", "count"),
    [('type="box" size="1 2 3"', 6), ('type="cylinder" size="2 1"', 16), ('type="cylinder" size="2 .01"', 1)],
)
def test_simple_shapes_have_as_few_faces_as_can_be(attributes, count):
    assert len(shapes.geom_faces(geom(attributes), 0)) == count


@pytest.mark.parametrize(
    ("attributes", "volume"),
    [
        ('type="box" size="1 2 3"', 48.0),
        ('type="cylinder" size="2 1"', 14 * np.sin(2 * np.pi / 14) / 2 * 4 * 2),  # a prism with so many sides
    ],
)
def test_a_shape_is_closed_and_its_faces_look_outward(attributes, volume):
    faces = shapes.geom_faces(geom(attributes), 0)
    assert np.allclose(np.sum([area(face) * shapes.normal(face) for face in faces], axis=0), 0)
    # By the divergence theorem: a third of the area times the height of its plane above the origin.
    assert sum(area(face) * (shapes.normal(face) @ face[0]) / 3 for face in faces) == pytest.approx(volume)


def test_a_low_disc_is_its_top():
    (face,) = shapes.geom_faces(geom('type="cylinder" size="2 .01"'), 0)
    assert np.allclose(shapes.normal(face), UP) and np.allclose(face[:, 2], 0.01)
    assert np.allclose(np.linalg.norm(face[:, :2], axis=1), 2)


@pytest.mark.parametrize("kind", ["sphere", "capsule", "ellipsoid"])
def test_unsupported_geoms_are_rejected_by_name(kind):
    with pytest.raises(ValueError, match="'ball'.*only boxes, cylinders and meshes"):
        shapes.geom_faces(geom(f'name="ball" type="{kind}" size="1 1 1"'), 0)


def test_polygons_are_not_joined_if_the_result_is_not_convex():
    #  3 +--+ 2       an L of three squares, of two triangles each
    #    |  |
    #  4 +--+--+ 7
    #    |  |  |
    #  0 +--+--+ 6
    #       1 (and 5 in the middle)
    vertices = np.array([(0, 0, 0), (1, 0, 0), (1, 2, 0), (0, 2, 0), (0, 1, 0), (1, 1, 0), (2, 0, 0), (2, 1, 0)], float)
    squares = ([0, 1, 5], [0, 5, 4], [4, 5, 2], [4, 2, 3], [1, 6, 7], [1, 7, 5])
    polygons = shapes._join([list(loop) for loop in squares], vertices, UP)
    assert sorted(area(vertices[polygon]) for polygon in polygons) in ([1.0, 2.0], [1.0, 1.0, 1.0])
    for polygon in polygons:
        assert_convex_and_flat(vertices[polygon], UP)


@pytest.mark.parametrize(
    "pieces",
    [[[0, 1 + i, 1 + (i + 1) % 6] for i in range(6)], [[0, 1, 2, 3, 4], [0, 4, 5, 6, 1]]],
    ids=["fan", "halves"],
)
def test_polygons_with_two_common_edges_are_joined_without_a_spike(pieces):
    angles = np.arange(6) * np.pi / 3
    vertices = np.array([(0.0, 0.0, 0.0), *((np.cos(angle), np.sin(angle), 0.0) for angle in angles)])
    polygons = shapes._join(pieces, vertices, UP)
    assert sum(area(vertices[polygon]) for polygon in polygons) == pytest.approx(6 * np.sqrt(3) / 4)
    for polygon in polygons:
        assert_convex_and_flat(vertices[polygon], UP)


def test_a_normal_tolerates_collinear_corners():
    generator = np.random.default_rng(0)
    for _ in range(20):
        a, b, c = generator.normal(size=(3, 3))
        expected = np.cross(b - a, c - a) / np.linalg.norm(np.cross(b - a, c - a))
        assert np.allclose(shapes.normal(np.array([a, (a + b) / 2, b, c])), expected)


def test_shared_vertices_give_every_corner_back_and_none_twice():
    generator = np.random.default_rng(1)
    places = np.round(generator.normal(size=(20, 3)), 6)
    corners = places[generator.integers(20, size=200)] + generator.uniform(-1e-8, 1e-8, (200, 3))
    vertices, indices = shapes.shared_vertices(corners)
    assert len(vertices) == 20 and indices.dtype == np.uint32
    assert np.allclose(vertices[indices], corners, atol=1e-6)


def test_a_rotation_is_that_of_its_axis_and_angle():
    turned = shapes.rotation(np.array([np.cos(0.4), 0, 0, np.sin(0.4)]))
    assert np.allclose(turned @ [1, 0, 0], [np.cos(0.8), np.sin(0.8), 0]) and np.allclose(turned @ UP, UP)
