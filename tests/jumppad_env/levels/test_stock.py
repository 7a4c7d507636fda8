"""The physics of levels: what is written into MuJoCo's model is what the plan says, and bounds all that it must."""

import copy
import itertools
import math

import numpy as np
import pytest

from jumppad_env.drawing.levels.pieces import moving_blocks
from jumppad_env.island.mujoco_library import mujoco
from jumppad_env.levels import Level, LevelSettings, load_stock, make_level
from jumppad_env.levels.level import B_GEOM, B_REACH_X
from jumppad_env.levels.stock import PARKED, rotations, solids_of
from jumppad_env.world import World
from jumppad_env.world.state import STEPS

CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
SOME = [
    LevelSettings(),
    LevelSettings("hard"),
    LevelSettings("hard", pads=5, islands=2),
    LevelSettings(pads=2, islands=4),
]
each = pytest.mark.parametrize("settings", SOME, ids=lambda one: f"{one.distribution_mode}-{one.pads}-{one.islands}")
LEVELS = range(12)


def model_of(level: Level) -> mujoco.MjModel:
    """The stock's model with a level's numbers."""
    model = copy.copy(load_stock(level.settings).model)
    for name, values in level.row._asdict().items():
        field = getattr(model, name)
        field[: len(values)] = np.reshape(values, (len(values), *field.shape[1:]))
    return model


@each
def test_bounding_volumes_hold_all_that_is_in_them(settings):
    stock = load_stock(settings)
    model = stock.model
    count = int(model.body_bvhnum[0])
    first, geoms, children = int(model.body_bvhadr[0]), model.bvh_nodeid[:count], model.bvh_child[:count]
    assert first == 0 and set(range(stock.solids.start, stock.ramps.stop)) <= set(geoms.tolist())
    for number in LEVELS:
        level = make_level(number, settings)
        row, boxes = level.row, level.row.bvh_aabb.reshape(-1, 6)
        low, high = boxes[:count, :3] - boxes[:count, 3:], boxes[:count, :3] + boxes[:count, 3:]
        reach = {int(block[B_GEOM]): block[B_REACH_X : B_REACH_X + 2] for block in level.blocks if block[B_GEOM] >= 0}
        moved = 0
        for node in range(count):
            if geoms[node] < 0:
                for child in children[node]:
                    assert (low[node] <= low[child] + 1e-9).all() and (high[node] >= high[child] - 1e-9).all()
                continue
            geom = int(geoms[node])
            half = np.reshape(row.geom_aabb, (-1, 6))[geom]
            corners = half[:3] + CORNERS * half[3:]
            around = row.geom_pos[geom] + corners @ rotations(row.geom_quat[geom][None])[0].T
            for sign in (-1.0, 0.0, 1.0) if geom in reach else (0.0,):
                way = sign * np.array([*reach.get(geom, (0.0, 0.0)), 0.0])
                assert (around + way >= low[node] - 1e-9).all() and (around + way <= high[node] + 1e-9).all()
                moved += sign != 0.0
            radius = np.linalg.norm(corners, axis=1).max()
            assert row.geom_rbound[geom] >= radius - 1e-6 or geom >= stock.ramps.start
        assert moved == 2 * len(reach)


@each
def test_a_ray_straight_down_meets_the_floor_that_the_plan_tells(settings, height_of):
    stock, generator, checked = load_stock(settings), np.random.default_rng(0), 0
    for number in LEVELS:
        level = make_level(number, settings)
        model = model_of(level)
        data = mujoco.MjData(model)
        data.qpos[:3] = 900.0  # the character is not in the way
        mujoco.mj_kinematics(model, data)
        hit = np.zeros(1, np.int32)
        for plan, origin in zip(level.plans, level.origins, strict=True):
            for x, y, heading, length, half, *_ in plan.floors.tolist():
                ahead, right = generator.uniform(0.02, 0.98) * length, generator.uniform(-0.9, 0.9) * half
                place = np.array([[x - ahead * np.sin(heading) + right * np.cos(heading), 0.0]])
                place[0, 1] = y + ahead * np.cos(heading) + right * np.sin(heading)
                start = np.array([*(place[0] + origin), 40.0])
                far = mujoco.mj_ray(model, data, start, np.array([0, 0, -1.0]), None, 1, -1, hit)
                expected = height_of(plan.floors, place)[0]
                assert 40.0 - far >= expected - 1e-6, "no floor lies lower than it is told"
                decoys = [decoy[:2] for lane in plan.lanes for decoy in lane.decoys]
                ramp = hit[0] >= stock.ramps.start or any(math.dist(decoy, place[0]) < 2.0 for decoy in decoys)
                if not ramp and 40.0 - far < expected + 0.5:  # else a wall or a block stands there
                    assert 40.0 - far == pytest.approx(expected, abs=1e-6)
                    checked += 1
    assert checked > 0.8 * len(LEVELS) * 5 * settings.islands


@each
def test_pads_stand_where_the_plan_puts_them(settings):
    for number in LEVELS:
        level, stock = make_level(number, settings), load_stock(settings)
        model = model_of(level)
        data = mujoco.MjData(model)
        data.qpos[:3] = 900.0
        mujoco.mj_kinematics(model, data)
        hit = np.zeros(1, np.int32)
        places = np.concatenate([island.pads for island in level.islands])
        for index, (x, y, z) in enumerate(places):
            far = mujoco.mj_ray(model, data, np.array([x, y, 40.0]), np.array([0, 0, -1.0]), None, 1, -1, hit)
            assert hit[0] == stock.ramps.start + index and 0.05 < 40.0 - far - z < 0.75


@each
def test_boxes_that_a_level_does_not_use_are_out_of_reach(settings):
    stock = load_stock(settings)
    assert stock.solids.stop - stock.solids.start == solids_of(settings)
    for number in LEVELS:
        row = make_level(number, settings).row
        heights = row.geom_pos[stock.solids, 2]
        parked = heights < PARKED / 2
        assert 0 < parked.sum() < len(parked) and (heights[parked] == PARKED).all()
        used = row.geom_pos[stock.solids][~parked]
        assert used[:, 2].min() > -30.0 and (np.diff(parked.astype(int)) >= 0).all(), "the last of the stock"


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_of_a_world_have_levels_of_their_own(threads, press, run):
    settings = LevelSettings("hard")
    world, alone = World(6, threads, settings), World(1, 1, settings)
    for row in range(6):
        world.load(row, row)
        world.place(row, "rider", world.islands(row)[0].spawns[0])
    run(world, press(left=(0.1, 1.0)), 60)
    for row in range(6):
        alone.load(0, row)
        alone.place(0, "rider", alone.islands(0)[0].spawns[0])
        run(alone, press(left=(0.1, 1.0)), 60)
        assert np.array_equal(alone.get_state(0), world.get_state(row))
    assert len({tuple(position) for position in world.position.tolist()}) == 6


BLOCKED = [number for number in range(30) if make_level(number, LevelSettings("hard")).plans[0].block is not None][:6]


def beside_the_middle(world: World, row: int) -> tuple[float, float]:
    """Where a character is in the frame of the block's way: m to the right, and above the floor."""
    level = world.levels[row]
    assert level is not None and level.plans[0].block is not None
    middle, (x, y, z) = level.plans[0].block.middle, world.position[row]
    return (x - middle.x) * math.cos(middle.heading) + (y - middle.y) * math.sin(middle.heading), z - middle.z


@pytest.mark.parametrize("number", BLOCKED)
def test_one_can_stand_on_a_block_where_it_is_drawn_at_every_step(number, press, run):
    world = World(1, 1, LevelSettings("hard"))
    world.load(0, number)
    level = make_level(number, LevelSettings("hard"))
    x, y, up, wide, long, high, _, reach_x, reach_y, rate, phase = moving_blocks(level)[0]
    assert wide == 0.55 and long == 0.35
    for steps in (0, 9, 23, 40):
        turn = math.sin(rate * steps + phase)
        world.place(0, "rider", np.array([x + reach_x * turn, y + reach_y * turn, up + high + 0.01]))
        state = world.get_state(0)
        state[STEPS] = steps
        world.set_state(0, state)
        run(world, press(), 2)
        assert beside_the_middle(world, 0)[1] == pytest.approx(2 * high, abs=0.03) and world.grounded[0]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("number", BLOCKED)
def test_a_block_leaves_room_at_the_wall(number, side, press, run):
    settings, moved = LevelSettings("hard"), []
    plan = make_level(number, settings).plans[0]
    block = plan.block
    assert block is not None
    away = next(step for step in range(200) if math.sin(block.rate * step + block.phase) * side < -0.9)
    for off, ahead in itertools.product((0.4, 1.0), (0.0, 0.4)):
        world = World(1, 1, settings)
        world.load(0, number)
        place = block.middle.ahead(ahead, side * (plan.neck_half - off))
        world.place(0, "rider", np.array(place[:3]), block.middle.heading - side * math.pi / 2)
        state = world.get_state(0)
        state[STEPS] = away  # the block is on the other side
        world.set_state(0, state)
        for _ in range(round(2 * math.pi / block.rate) + 5):
            run(world, press(left=(0.0, 0.3)))  # against the wall
            right, up = beside_the_middle(world, 0)
            assert abs(right) < plan.neck_half and -0.05 < up < 0.1
        x, y = (world.position[0] - place[:3])[:2]
        moved.append(abs(y * math.cos(place.heading) - x * math.sin(place.heading)))
    assert max(moved) < 0.05, "who stands there is not touched"
