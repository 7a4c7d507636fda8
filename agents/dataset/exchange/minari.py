"""Lossless export to and import from Minari (https://minari.farama.org); frames are stored raw, not as JPEG.

    export_minari(Dataset("runs/demonstrations"), "jumppad/human-v0")
    export_minari(Dataset("runs/demonstrations"), "jumppad/human_states-v0", observation="state")
    import_minari("jumppad/human-v0", "runs/again")

Written for Minari 0.5.4. Its episodes have T + 1 observations for T actions; ours have T, so the last action is
replayed to render the last frame. Additional data is stored where other readers can ignore it: exact states in
`infos["states"]`, seed, character, mode etc. in the metadata of the episodes, our manifest in that of the dataset.
`import_minari` restores the same trajectories.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces

from agents.dataset.exchange.packages import need
from agents.dataset.exchange.patient_file import PatientFile
from agents.dataset.exchange.transitions import KEYWORDS, Player
from agents.population.modes import GOALS
from jumppad_env import __version__
from jumppad_env.dataset import Dataset, Trajectory, write_dataset
from jumppad_env.dataset.trajectory import LARGEST_SEED
from jumppad_env.files import PARTIAL, explain_full_disk, write_atomically, write_directory
from jumppad_env.gamepad import FACTORS, action_space, validate
from jumppad_env.levels.settings import settings_of

if TYPE_CHECKING:
    from minari import EpisodeData, MinariDataset

MANIFEST = "jumppad_manifest"
"""Key of our manifest in the metadata of a Minari dataset; it marks our own exports."""
NATIVE = ("actions", "frames", "seed", "settings")
"""Fields of a trajectory that Minari stores natively, and what the manifest says of all of them."""
JPEG_ERROR = 16.0
"""Mean difference (0 to 255) up to which a JPEG frame counts as equal to the rendered one: Minari's encoder errs by up
to 13 on 64x64 frames, and frames of different places differ by more than 25."""


def export_minari(
    dataset: Dataset,
    dataset_id: str,
    root: Path | str | None = None,
    *,
    observation: Literal["pixels", "state"] = "pixels",
    data_format: Literal["hdf5", "arrow"] = "hdf5",
) -> Path:
    """Exports a dataset to Minari; load it with `minari.load_dataset(dataset_id)`.

    Args:
        dataset: the dataset; it has frames if they are to be observed.
        dataset_id: [namespace/]name-vN.
        root: directory of Minari's local datasets; by default Minari's own: `MINARI_DATASETS_PATH`, else
            ~/.minari/datasets.
        observation: what an agent observes: the frames, or the columns of `JumppadState-v0`.
        data_format: hdf5 is Minari's default, one file; arrow reads about seven times faster, two files per episode.

    Returns:
        The directory of the new dataset.

    Raises:
        ValueError: there are no frames, the id is malformed or taken, or packages are missing.
        OSError: writing failed; nothing is left behind.
    """
    need("minari", "PIL", {"hdf5": "h5py", "arrow": "pyarrow"}[data_format])
    from minari.namespace import NAMESPACE_METADATA_FILENAME

    out = _place(dataset_id, root)
    if out.exists():
        raise ValueError(f"{out} exists; choose another id (the next version?) or delete it")
    if observation == "pixels" and dataset.frames is None:
        raise ValueError(
            "the export to Minari needs frames, but this dataset has none; render them first, or export states with "
            "--observation state"
        )
    image_size = dataset.frames.shape[1:3] if observation == "pixels" and dataset.frames is not None else None
    namespaces = out.parents[: dataset_id.count("/")]
    partial = out.parents[len(namespaces)] / f".{dataset_id.replace('/', '.')}{PARTIAL}"
    with (
        explain_full_disk(out),
        write_directory(out, partial),
        closing(Player(dataset.manifest.get("environment", {}), image_size)) as player,
    ):
        (partial / "data").mkdir()
        _write(partial / "data", dataset, dataset_id, player, data_format)
        for folder in namespaces:  # Minari's upload requires that namespaces are marked
            mark = folder / NAMESPACE_METADATA_FILENAME
            if not mark.exists():
                write_atomically(mark, b"{}")
    return out


def _write(path: Path, dataset: Dataset, dataset_id: str, player: Player, data_format: str) -> None:
    import minari
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    # As minari.create_dataset_from_buffers does, but without holding all episodes in memory.
    env = player.env
    storage = MinariStorage.new(
        path, env.observation_space, env.action_space, env.spec, data_format=data_format, jpeg_encoding=False
    )
    population = dataset.manifest.get("population", "people")
    storage.update_metadata(
        {
            "dataset_id": dataset_id,
            "minari_version": minari.__version__,
            "author": {"The jumppad authors"},
            "code_permalink": f"jumppad {__version__}: python -m agents.dataset export",
            "requirements": [f"jumppad=={__version__}"],
            "algorithm_name": str(population),
            "description": f"{env.spec.id if env.spec else ''} played by {population}: gamepad, exact states.",
            MANIFEST: dataset.manifest,
        }
    )

    def buffers() -> Iterator[Any]:
        for index in range(len(dataset)):
            trajectory = dataset.trajectory(index)
            steps = player.finish(trajectory)
            infos = {name: _one_more(column) for name, column in _told(trajectory, arrays=True).items()}
            infos["states"] = steps.states
            yield EpisodeBuffer(
                id=index,
                seed=trajectory.seed,
                # Arrays do as well as lists.
                observations=player.observe(steps.states) if steps.frames is None else steps.frames,  # pyright: ignore
                actions=trajectory.actions.astype(env.action_space.dtype),  # pyright: ignore[reportArgumentType]
                rewards=steps.rewards,  # pyright: ignore[reportArgumentType]
                terminations=steps.terminations,  # pyright: ignore[reportArgumentType]
                truncations=steps.truncations,  # pyright: ignore[reportArgumentType]
                infos=infos,
            )

    told = (_told(dataset.trajectory(index), arrays=False) for index in range(len(dataset)))
    if data_format != "hdf5":
        storage.update_episodes(buffers())
        storage.update_episode_metadata(told)
        return
    with PatientFile(path / "main_data.hdf5") as file:
        storage._file_path = file  # pyright: ignore[reportAttributeAccessIssue] -- h5py takes it for a path
        try:
            storage.update_episodes(_checked(buffers(), file))
            storage.update_episode_metadata(told)
        finally:
            file.check()  # whatever went wrong after an error of the disk is its consequence
    file.check()


def _checked(buffers: Iterator[Any], file: PatientFile) -> Iterator[Any]:
    for buffer in buffers:
        file.check()
        yield buffer


def _told(trajectory: Trajectory, *, arrays: bool) -> dict[str, Any]:
    """Returns the fields of a trajectory that Minari does not store natively: its arrays, or its scalars."""
    values = {field.name: getattr(trajectory, field.name) for field in fields(Trajectory) if field.name not in NATIVE}
    return {n: v for n, v in values.items() if v is not None and isinstance(v, np.ndarray) == arrays}


def _one_more(column: np.ndarray) -> np.ndarray:
    """Returns (T + 1, ...), as Minari's infos include the reset, and at least 2-D, as its Arrow files require."""
    longer = np.concatenate([column, column[-1:]])
    return longer[:, None] if longer.ndim == 1 else longer


def import_minari(dataset_id: str, directory: Path | str, root: Path | str | None = None) -> int:
    """Imports a Minari dataset.

    Exports of `export_minari` are restored bit for bit. Other datasets of `Jumppad-v0` with pixels and seeds, such as
    those of Minari's `DataCollector`, are replayed from seeds and actions, since Minari stores no states; frames,
    rewards and terminations must match the stored ones.

    Args:
        dataset_id: [namespace/]name-vN, one of `minari list local`.
        directory: must not exist.
        root: see `export_minari`.

    Returns:
        The number of steps.

    Raises:
        ValueError: the dataset is missing or damaged, its spaces differ, it has neither states nor seeds, its replay
            differs, the directory exists, or packages are missing.
        OSError: writing failed; nothing is left behind.
    """
    need("minari", "PIL")
    source = _place(dataset_id, root) / "data"
    if Path(directory).exists():
        raise ValueError(f"{directory} exists; choose another place or delete it")
    if not source.is_dir():
        raise ValueError(f"no Minari dataset in {source.parent}; get it with: minari download {dataset_id}")
    minari_dataset = _open(source)
    manifest = minari_dataset.storage.metadata.get(MANIFEST)
    # Read lazily while writing: an error stops the writer, which leaves nothing behind.
    trajectories = _stored(minari_dataset, source) if manifest else _replayed(minari_dataset, source)
    description: dict[str, Any] = {"goals": GOALS, "imported": {"minari": dataset_id, "manifest": manifest}}
    if manifest:
        names = ("population", "shares", "environment", "goals", "drawn_as", "states")
        description |= {name: manifest[name] for name in names if name in manifest}
        description["rules"] = manifest.get("rules")
        if len(minari_dataset.observation_space.shape or ()) == 1:  # states, perhaps of a dataset with frames
            description.pop("drawn_as", None)
            description["environment"] = {**manifest["environment"], "observation": "state"}
            description["environment"].pop("image_size", None)
    else:
        options = _environment(minari_dataset, source)
        description["environment"] = {"id": "Jumppad-v0", "observation": "pixels", **options}
    return write_dataset(directory, trajectories, seed=(manifest or {}).get("seed", 0), description=description)


def _words(space: spaces.Space[Any]) -> str:
    """Returns a space in one line, without the bounds of each number."""
    return f"Box({space.shape}, {space.dtype})" if isinstance(space, spaces.Box) else " ".join(str(space).split())


def _open(source: Path) -> MinariDataset:
    from minari import MinariDataset

    with _reading(source):
        metadata = json.loads((source / "metadata.json").read_text())
        absent = {"observation_space", "action_space"} - metadata.keys()
        if absent:  # otherwise Minari would create the environment that the file names
            raise ValueError(f"metadata.json lacks {', '.join(sorted(absent))}")
        dataset = MinariDataset(source)
    observation, action = dataset.observation_space, dataset.action_space
    if not isinstance(action, spaces.MultiDiscrete) or not np.array_equal(action.nvec, action_space().nvec):
        raise ValueError(
            f"{source} has actions {_words(action)}, expected {action_space()}; record Jumppad-v0 unwrapped"
        )
    image = isinstance(observation, spaces.Box) and observation.dtype == np.uint8 and len(observation.shape) == 3
    own_states = MANIFEST in metadata and len(observation.shape or ()) == 1
    if not own_states and (not image or observation.shape[2] != 3):
        raise ValueError(
            f"{source} has observations {_words(observation)}, expected Box(0, 255, (height, width, 3), uint8); "
            'record Jumppad-v0 with observation="pixels", unwrapped'
        )
    return dataset


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    """Turns all errors that Minari raises for damaged files into one."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, ImportError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{source} is damaged or cannot be read ({said}); download or export it again") from None


def _episodes(dataset: MinariDataset, source: Path) -> Iterator[tuple[EpisodeData, dict[str, Any]]]:
    """Yields each episode of T steps, after validation, with its metadata as plain values."""
    with _reading(source):
        for index in dataset.episode_indices.tolist():
            episode = next(dataset.iterate_episodes([index]), None)
            if episode is None:
                raise ValueError(f"episode {index} is missing")
            metadata = dict(next(iter(dataset.storage.get_episode_metadata([index]))))
            steps = len(episode.actions)
            lengths = (len(episode.observations), len(episode.rewards), len(episode.terminations))
            if steps == 0 or lengths != (steps + 1, steps, steps):
                raise ValueError(f"episode {index} has {steps} actions, and observations, rewards, ends: {lengths}")
            if episode.observations.shape[1:] != dataset.observation_space.shape:
                raise ValueError(f"episode {index} has observations {episode.observations.shape[1:]}")
            validate(episode.actions, (steps, FACTORS))
            plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in metadata.items()}
            yield episode, plain


def _stored(dataset: MinariDataset, source: Path) -> Iterator[Trajectory]:
    """Yields the trajectories of our own exports."""
    names = {field.name for field in fields(Trajectory)}
    shown = len(dataset.observation_space.shape or ()) == 3
    settings = settings_of(dataset.storage.metadata[MANIFEST].get("environment", {}))
    empty = {field.name: None for field in fields(Trajectory) if str(field.type).endswith("| None")}
    for episode, metadata in _episodes(dataset, source):
        steps = len(episode.actions)
        with _reading(source):
            columns = {name: column[:steps] for name, column in episode.infos.items() if name in names}
            flat = {name: column[:, 0] for name, column in columns.items() if column.shape[1:] == (1,)}
            scalars = {name: value for name, value in metadata.items() if name in names}
            own = {"actions": episode.actions.astype(np.uint8)}
            own |= {"frames": episode.observations[:steps]} if shown else {}
            trajectory = Trajectory(**{**empty, **columns, **flat, **scalars, **own, "settings": settings})
        yield trajectory


def _environment(dataset: MinariDataset, source: Path) -> dict[str, Any]:
    """Returns the environment's keywords in a foreign dataset.

    Only keywords are used: an entry point that the file names is never run.
    """
    spec = dataset.env_spec
    if spec is None or spec.id != "Jumppad-v0":
        raise ValueError(
            f"{source} holds no states, and was recorded in {spec.id if spec else 'an unnamed environment'}: only "
            "recordings of Jumppad-v0 can be replayed to restore them"
        )
    keywords = {name: spec.kwargs[name] for name in KEYWORDS if name in spec.kwargs}
    return {"image_size": list(dataset.observation_space.shape[:2]), **keywords}


def _replayed(dataset: MinariDataset, source: Path) -> Iterator[Trajectory]:
    """Yields the trajectories of a foreign dataset, replayed from its seeds and actions."""
    tolerance = JPEG_ERROR if dataset.storage.jpeg_encoding else 0.0
    with closing(gymnasium.make("Jumppad-v0", **_environment(dataset, source))) as env:
        for episode, metadata in _episodes(dataset, source):
            if metadata.get("seed") is None:
                raise ValueError(
                    f"{source}: episode {episode.id} holds neither states nor a seed to replay it from; "
                    "record it with env.reset(seed=...)"
                )
            seed, actions, options = metadata["seed"], episode.actions.astype(np.uint8), metadata.get("options")
            if type(seed) is not int or seed < 0 or not isinstance(options or {}, dict):
                raise ValueError(
                    f"{source}: episode {episode.id} has seed {seed!r} and options {options!r}; record it again"
                )
            frames = np.empty(episode.observations.shape, dtype=np.uint8)
            states = []
            frames[0], info = env.reset(seed=seed, options=options)
            same = True
            for step, action in enumerate(actions):
                states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue] -- JumppadEnv
                frames[step + 1], reward, terminated, _, info = env.step(action)
                same &= reward == episode.rewards[step] and terminated == episode.terminations[step]
            # One frame at a time, since differences take more memory than the frames.
            pairs = zip(frames, episode.observations, strict=True)
            error = max(np.abs(one - other.astype(np.int16)).mean() for one, other in pairs)
            if not same or error > tolerance:
                raise ValueError(
                    f"{source}: the replay of episode {episode.id} from seed {seed} differs from the stored one; "
                    "it was recorded by another version or on another kind of machine: import it there"
                )
            placed = set(options or ()) - {"character"}  # the seed alone does not determine the first state
            yield Trajectory(
                seed=-1 if placed or seed > LARGEST_SEED else seed,
                character=env.unwrapped.character,  # pyright: ignore[reportAttributeAccessIssue]
                mode="",
                pad=int(info["pad"]),
                fell=bool(info["fell"]),
                actions=actions,
                states=np.array(states),
                frames=frames[:-1],
            )


def _place(dataset_id: str, root: Path | str | None) -> Path:
    """Returns the directory of a Minari dataset.

    Raises:
        ValueError: the id is malformed.
    """
    from minari.dataset.minari_dataset import parse_dataset_id
    from minari.storage.datasets_root_dir import get_dataset_path

    try:
        parse_dataset_id(dataset_id)
    except (ValueError, TypeError):  # TypeError: a bug of Minari 0.5.4 if the version is missing
        raise ValueError(
            f"{dataset_id!r} is not a valid id of a Minari dataset; use [namespace/]name-vN, such as jumppad/human-v0"
        ) from None
    return get_dataset_path(dataset_id) if root is None else Path(root) / dataset_id
