import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest

from jumppad_env.island import character_path, island, load_island
from jumppad_env.rules import CHARACTERS, PADS, RULES


@pytest.fixture(scope="module", params=CHARACTERS)
def model(request) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_path(str(character_path(request.param)))


def named(model: mujoco.MjModel, kind: mujoco.mjtObj, count: int) -> list[str | None]:
    return [mujoco.mj_id2name(model, kind, index) for index in range(count)]


def test_every_element_has_a_name(model):
    elements = mujoco.mjtObj
    for kind, count in (
        (elements.mjOBJ_GEOM, model.ngeom),
        (elements.mjOBJ_SITE, model.nsite),
        (elements.mjOBJ_BODY, model.nbody),
        (elements.mjOBJ_JOINT, model.njnt),
        (elements.mjOBJ_ACTUATOR, model.nu),
        (elements.mjOBJ_SENSOR, model.nsensor),
        (elements.mjOBJ_MESH, model.nmesh),
        (elements.mjOBJ_CAMERA, model.ncam),
        (elements.mjOBJ_LIGHT, model.nlight),
    ):
        assert all(named(model, kind, count)), kind


def test_all_characters_share_the_physics(model):
    # All characters share one physics model; they differ only in their drawn shapes.
    shared = load_island().model
    assert (model.nq, model.nv, model.nu, model.nsensordata) == (4, 4, 3, shared.nsensordata)
    solid = [
        (shared.geom(i).name, i) for i in range(shared.ngeom) if shared.geom_contype[i] or shared.geom_conaffinity[i]
    ]
    count = sum(bool(model.geom_contype[i] or model.geom_conaffinity[i]) for i in range(model.ngeom))
    assert len(solid) == count
    for name, index in solid:
        other = model.geom(name).id
        for field in ("geom_pos", "geom_quat", "geom_size", "geom_conaffinity", "geom_contype", "geom_condim"):
            assert np.array_equal(getattr(model, field)[other], getattr(shared, field)[index]), (name, field)
    for field in ("actuator_gainprm", "actuator_biasprm", "dof_damping", "jnt_type", "jnt_axis"):
        assert np.array_equal(getattr(model, field), getattr(shared, field)), field
    assert model.body_mass.sum() == shared.body_mass.sum(), "what is only seen weighs nothing"
    assert np.array_equal(model.body("character").mass, shared.body("character").mass)
    assert np.array_equal(model.body("character").inertia, shared.body("character").inertia)


def test_places_are_as_on_the_papers_map():
    island = load_island()
    assert np.allclose(island.spawns[:, :2], [(-2.4, -2.5), (2.4, -2.5), (-2.4, 2.5), (2.4, 2.5)])
    assert np.allclose(island.pads[:, :2], [(-8.9, 39.7), (0, 48.3), (8.6, 39.4)])
    assert np.allclose(island.spawns[:, :2].mean(axis=0), 0)
    assert island.landings[0, 0] < island.landings[1, 0] < island.landings[2, 0]


def test_pads_launch_in_the_documented_directions():
    island = load_island()
    way = (island.landings - island.pads)[:, :2]
    degrees_left = np.degrees(np.arctan2(-way[:, 0], way[:, 1]))
    assert np.allclose(degrees_left, [9, 0, -9], atol=0.5)


def test_the_spawn_sites_face_forward_and_stand_on_the_ground():
    island = load_island()
    data = mujoco.MjData(island.model)
    mujoco.mj_forward(island.model, data)
    for index in range(len(island.spawns)):
        assert np.allclose(data.site(f"spawn_{index}").xmat.reshape(3, 3), np.eye(3))
    assert np.allclose(island.spawns[:, 2], 0)


def test_the_control_step_is_five_physics_steps():
    assert load_island().substeps(RULES.control_step) == 5


@pytest.mark.parametrize("control_step", [0.03, 0.001, 0.0, -0.1])
def test_a_control_step_that_is_no_multiple_is_rejected_with_both_numbers(control_step):
    with pytest.raises(ValueError, match=rf"{control_step} s .* 0.02 s"):
        load_island().substeps(control_step)


def test_touch_sensors_are_in_the_order_of_the_pads():
    island = load_island()
    names = [island.model.sensor(i).name for i in range(island.model.nsensor)]
    assert names[island.pad_sensors] == [f"touch_{pad}" for pad in PADS]
    assert names[island.ground_sensor] == "ground"


def test_no_number_of_the_map_is_repeated_in_python():
    # The MJCF is the only definition of the geometry: moving a pad there must move it everywhere.
    from pathlib import Path

    import jumppad_env

    numbers = ("39.7", "48.3", "39.4", "8.9", "8.6", "23.3", "11.3")
    for path in Path(str(jumppad_env.__file__)).parent.rglob("*.py"):
        assert not [number for number in numbers if number in path.read_text()], path


def test_a_checkout_without_symbolic_links_has_its_assets(tmp_path, monkeypatch):
    package = tmp_path / "jumppad_env"
    package.mkdir()
    (package / "assets").write_text("../assets")  # what git makes of a link on Windows
    monkeypatch.setattr(island, "PACKAGE", package)
    with pytest.raises(FileNotFoundError, match="assets are missing"):
        island.character_path("rider")
    shutil.copytree(Path(island.__file__).parents[2] / "assets", tmp_path / "assets")
    path = island.character_path("rider")
    assert path == tmp_path / "assets" / "rider.xml" and path.is_file()
