"""What is drawn: convex faces that cover the MJCF's geoms, no more and no less."""

import mujoco
import numpy as np
import pytest

from jumppad_env import scenery
from jumppad_env.rules import CHARACTERS


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


@pytest.mark.parametrize("character", list(CHARACTERS))
def test_faces_are_convex_and_cover_the_triangles_of_every_geom(character):
    model = scenery.load_model(character)
    for geom in (geom for static in (True, False) for geom in scenery._drawn_geoms(model, static=static)):
        triangles, faces = scenery._geom_triangles(model, geom), scenery._geom_faces(model, geom)
        assert len(faces) < len(triangles)
        for face in faces:
            assert_convex_and_flat(face, scenery._normal(face))
        wanted, drawn = [], []
        for polygons, totals in ((triangles, wanted), (faces, drawn)):
            totals.append(sum(map(area, polygons)))
            totals += list(np.sum([area(polygon) * scenery._normal(polygon) for polygon in polygons], axis=0))
        assert np.allclose(drawn, wanted, rtol=1e-4, atol=1e-4 * wanted[0])


@pytest.mark.parametrize(
    ("size", "count"),
    [('type="box" size="1 2 3"', 6), ('type="cylinder" size="2 1"', 16), ('type="cylinder" size="2 .01"', 1)],
)
def test_simple_shapes_have_as_few_faces_as_can_be(size, count):
    model = mujoco.MjModel.from_xml_string(f"<mujoco><worldbody><geom {size}/></worldbody></mujoco>")
    assert len(scenery._geom_faces(model, 0)) == count


def test_what_would_not_be_convex_is_not_joined():
    #  3 +--+ 2       an L of three squares, of two triangles each
    #    |  |
    #  4 +--+--+ 7
    #    |  |  |
    #  0 +--+--+ 6
    #       1 (and 5 in the middle)
    vertices = np.array([(0, 0, 0), (1, 0, 0), (1, 2, 0), (0, 2, 0), (0, 1, 0), (1, 1, 0), (2, 0, 0), (2, 1, 0)], float)
    squares = ([0, 1, 5], [0, 5, 4], [4, 5, 2], [4, 2, 3], [1, 6, 7], [1, 7, 5])
    polygons = scenery._join([list(loop) for loop in squares], vertices, np.array([0.0, 0.0, 1.0]))
    assert sorted(area(vertices[polygon]) for polygon in polygons) in ([1.0, 2.0], [1.0, 1.0, 1.0])
    for polygon in polygons:
        assert_convex_and_flat(vertices[polygon], np.array([0.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    "pieces",
    [[[0, 1 + i, 1 + (i + 1) % 6] for i in range(6)], [[0, 1, 2, 3, 4], [0, 4, 5, 6, 1]]],
    ids=["fan", "halves"],
)
def test_what_shares_two_edges_is_joined_without_a_spike(pieces):
    angles = np.arange(6) * np.pi / 3
    vertices = np.array([(0.0, 0.0, 0.0), *((np.cos(angle), np.sin(angle), 0.0) for angle in angles)])
    polygons = scenery._join(pieces, vertices, np.array([0.0, 0.0, 1.0]))
    assert sum(area(vertices[polygon]) for polygon in polygons) == pytest.approx(6 * np.sqrt(3) / 4)
    for polygon in polygons:
        assert_convex_and_flat(vertices[polygon], np.array([0.0, 0.0, 1.0]))


def test_every_face_of_the_island_lies_in_its_plane_and_has_a_unit_normal():
    mesh = scenery.load_island_mesh()
    assert mesh.faces[0] == 0 and mesh.faces[-1] == len(mesh.corners) and len(mesh.faces) == len(mesh.planes) + 1
    assert (np.diff(mesh.faces.astype(int)) >= 3).all()
    assert np.allclose(np.linalg.norm(mesh.planes[:, :3], axis=1), 1)
    for index, plane in enumerate(mesh.planes):
        corners = mesh.vertices[mesh.corners[mesh.faces[index] : mesh.faces[index + 1]]]
        assert np.allclose(corners @ plane[:3], plane[3], atol=1e-3)
