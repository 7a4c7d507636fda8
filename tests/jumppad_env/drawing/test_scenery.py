"""The scenery: parts, faces, camera, light and sky, as in the MJCF."""

import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import scenery
from jumppad_env.drawing.scenery import (
    CLUTTER,
    DETAIL_GROUP,
    DRAWN_LAST,
    HIDDEN_GROUP,
    Mesh,
    load_materials,
    load_scenery,
)
from jumppad_env.island import character_path

RIDER = str(character_path("rider"))


@pytest.fixture(params=["island", "movable", "island for people", "movable for people"])
def mesh(request) -> Mesh:
    return getattr(load_scenery(detail="people" in request.param), request.param.split()[0])


@pytest.fixture
def changed(monkeypatch):
    """Makes the scenery read a modified model, without its caches."""
    model = mujoco.MjModel.from_xml_path(RIDER)
    monkeypatch.setattr(scenery, "load_model", lambda character: model)
    return model


def pieces(starts: np.ndarray) -> list[range]:
    return [range(first, end) for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]


def test_every_face_lies_in_its_plane_and_has_a_unit_normal(mesh):
    assert mesh.faces[0] == 0 and mesh.faces[-1] == len(mesh.corners) and len(mesh.faces) == len(mesh.planes) + 1
    assert (np.diff(mesh.faces.astype(int)) >= 3).all()
    assert np.allclose(np.linalg.norm(mesh.planes[:, :3], axis=1), 1)
    for index, plane in enumerate(mesh.planes):
        corners = mesh.vertices[mesh.corners[mesh.faces[index] : mesh.faces[index + 1]]]
        assert np.allclose(corners @ plane[:3], plane[3], atol=1e-3)


def test_parts_follow_each_other_and_share_no_vertex(mesh):
    assert mesh.part_vertices[0] == mesh.part_faces[0] == 0
    assert mesh.part_vertices[-1] == len(mesh.vertices) and mesh.part_faces[-1] == len(mesh.planes)
    for vertices, faces in zip(pieces(mesh.part_vertices), pieces(mesh.part_faces), strict=True):
        used = mesh.corners[mesh.faces[faces.start] : mesh.faces[faces.stop]]
        assert set(used.tolist()) == set(vertices)


def test_spheres_hold_the_vertices_of_their_parts_and_no_empty_space(mesh):
    for sphere, vertices in zip(mesh.spheres, pieces(mesh.part_vertices), strict=True):
        distances = np.linalg.norm(mesh.vertices[vertices] - sphere[:3], axis=1)
        assert distances.max() <= sphere[3] + 1e-9
        assert distances.max() >= sphere[3] - 1e-9, "a smaller one would do"


@pytest.mark.parametrize("detail", [False, True])
def test_faces_have_the_material_and_the_part_of_their_geom(detail):
    shown, model = load_scenery(detail=detail), scenery.load_model("rider")
    hidden = (HIDDEN_GROUP,) if detail else (HIDDEN_GROUP, DETAIL_GROUP)
    assert len(shown.materials) == len(shown.parts) == len(shown.island.planes) + len(shown.movable.planes)
    counts = np.diff(np.concatenate([shown.island.part_faces, shown.movable.part_faces[1:] + len(shown.island.planes)]))
    assert np.array_equal(np.bincount(shown.parts), counts)
    still = [
        index for index in range(model.ngeom) if model.geom_bodyid[index] == 0 and model.geom_group[index] not in hidden
    ]  # fmt: skip
    firsts = [int(shown.materials[first]) for first in shown.island.part_faces[:-1]]
    assert sorted(firsts) == sorted(int(model.geom_matid[index]) for index in still), "each geom is one part"
    moving = [
        index for index in range(model.ngeom) if model.body(int(model.geom_bodyid[index])).name in shown.movable_names
    ]
    moving = {int(model.geom_matid[index]) for index in moving if model.geom_group[index] not in hidden}
    assert set(shown.materials[len(shown.island.planes) :].tolist()) == moving


def test_the_background_comes_last():
    shown, materials = load_scenery(detail=False), load_materials()
    order = [materials[index].name for index in shown.materials[: len(shown.island.planes)]]
    last = [name in DRAWN_LAST for name in order]
    assert any(last) and last == sorted(last)


def test_fine_scenery_contains_the_fast_one_and_more():
    agents, people = load_scenery(detail=False), load_scenery(detail=True)
    for fewer, more in ((agents.island, people.island), (agents.movable, people.movable)):
        seen = [{tuple(plane) for plane in np.round(mesh.planes, 6).tolist()} for mesh in (fewer, more)]
        assert seen[0] < seen[1]
    assert agents.movable_names == people.movable_names and np.array_equal(agents.places, people.places)


def test_movable_parts_stand_where_the_mjcf_has_them_and_clutter_has_spots_to_go_to():
    shown, model = load_scenery(detail=False), scenery.load_model("rider")
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for name, (*place, yaw) in zip(shown.movable_names, shown.places, strict=True):
        assert np.allclose(place, data.body(name).xpos)
        assert np.allclose([np.cos(yaw), np.sin(yaw), 0], data.body(name).xmat.reshape(3, 3)[:, 0])
    assert len(shown.spots) >= sum(name.startswith(CLUTTER) for name in shown.movable_names) > 0


def test_characters_are_not_part_of_the_scenery():
    # The island is the same for all characters: arrays that they share may contain nothing of one of them.
    model = scenery.load_model("rider")
    own = {model.body(index).name for index in range(model.nbody) if model.body_weldid[index] != 0}
    assert "character" in own and not own & set(load_scenery(detail=True).movable_names)


def test_the_camera_is_the_mjcfs():
    camera, model = scenery.load_camera(), scenery.load_model("rider")
    fovy = 2 * np.degrees(np.arctan(camera.half_height))
    assert fovy == pytest.approx(model.cam_fovy[model.camera("observer").id], abs=1e-3)
    assert camera.half_width / camera.half_height == pytest.approx(600 / 360), "pixels of a 600x360 frame are square"
    assert camera.near == pytest.approx(model.vis.map.znear * model.stat.extent)


def test_the_sky_is_paler_at_the_horizon():
    overhead, horizon = scenery.load_sky()
    assert (overhead < horizon - 0.02).all() and overhead[2] > overhead[0] + 0.3


def test_the_sky_is_the_mjcfs():
    texture = mujoco.MjSpec.from_file(RIDER).texture("sky")
    assert np.abs(scenery.load_sky() - [texture.rgb1, texture.rgb2]).max() < 0.03  # texels are coarse


def test_the_light_is_the_mjcfs():
    light, spec = scenery.load_light(), mujoco.MjSpec.from_file(RIDER).lights[0]
    assert np.allclose(light.direction, spec.dir / np.linalg.norm(spec.dir))
    assert np.allclose(light.diffuse, spec.diffuse) and np.allclose(light.ambient, spec.ambient)


def test_materials_stand_at_their_index():
    model = scenery.load_model("rider")
    for index, material in enumerate(load_materials()):
        assert model.mat(material.name).id == index
        assert np.allclose(material.color, model.mat_rgba[index, :3])
        assert material.emission == model.mat_emission[index]


def test_a_geom_without_material_is_rejected_by_name(changed):
    changed.geom_matid[changed.geom("neck_wall_left").id] = -1
    with pytest.raises(ValueError, match="'neck_wall_left'.*no material"):
        load_scenery.__wrapped__(detail=False)


def test_a_tilted_landmark_is_rejected_by_name(changed):
    changed.body_quat[changed.body("landmark_ship").id] = np.cos(0.1), np.sin(0.1), 0, 0
    with pytest.raises(ValueError, match="'landmark_ship'.*tilted"):
        load_scenery.__wrapped__(detail=False)


def test_another_kind_of_camera_light_or_sky_is_rejected(changed):
    changed.cam_sensorsize[:] = 0
    with pytest.raises(ValueError, match="sensorsize"):
        scenery.load_camera.__wrapped__()
    changed.vis.headlight.active = 1
    with pytest.raises(ValueError, match="headlight"):
        scenery.load_light.__wrapped__()
    changed.vis.headlight.active = 0
    changed.light_type[0] = mujoco.mjtLightType.mjLIGHT_SPOT
    with pytest.raises(ValueError, match="directional"):
        scenery.load_light.__wrapped__()


def test_a_sky_without_a_gradient_is_rejected(monkeypatch, tmp_path):
    path = tmp_path / "flat.xml"
    path.write_text(
        '<mujoco><asset><texture name="sky" type="skybox" builtin="flat" width="8" height="8"/></asset></mujoco>'
    )
    monkeypatch.setattr(scenery, "character_path", lambda character: path)
    with pytest.raises(ValueError, match="gradient"):
        scenery.load_sky.__wrapped__()
