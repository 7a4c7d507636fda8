"""The network: a convolutional image encoder under a causal transformer.

The only input is frames, the output gamepad logits. Attention sees the last `context` steps in training and in acting,
so acting with a ring buffer of the last `context` keys and values per layer equals a pass over the whole episode.

Source: paper, section 3 (GPT-style causal transformer over convolutional embeddings, context 32).
"""

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from baselines.models.gamepad_distribution import COMPONENT_LOGITS
from baselines.models.threads import EPISODES, ROWS, apply_in_parts
from jumppad_env.files.shapes import misfit

# Attention spans tens of steps, so the slowest rotation can be faster than with the base of 10,000 in language models.
ROTARY_BASE = 100.0
LARGEST = 2**20
"""Size of anything in a network, at most: products of sizes are still integers that PyTorch takes."""
DEEPEST = 1000
"""Layers of a network, at most: each costs time before any memory."""


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the network; the defaults (about 1M parameters) are for two CPU cores."""

    image_size: tuple[int, int] = (64, 64)
    """Height and width of the frames, in pixels."""
    channels: tuple[int, ...] = (16, 32, 64)
    """Output channels of the convolutions: the first reads patches, the others halve height and width."""
    patch: int = 4
    """Side of the first convolution's patches, in pixels."""
    width: int = 128
    """Width of the transformer."""
    layers: int = 3
    """Number of transformer blocks."""
    heads: int = 4
    """Attention heads per block."""
    context: int = 32
    """Steps that attention sees, including the current one."""
    components: int = 8
    """Components of the action mixture; 1 makes all factors independent, as in the paper."""
    hold: int = 3
    """Steps for which a mixture component is kept before the next is drawn."""

    def __post_init__(self) -> None:
        image_size, channels, *others = astuple(self)
        numbers = (*image_size, *channels, *others)
        if len(self.image_size) != 2 or not self.channels or not 1 <= min(numbers) <= max(numbers) <= LARGEST:
            raise ValueError(
                f"sizes must be 1 to {LARGEST}, with two in image_size and at least one in channels; got {self}"
            )
        if max(self.layers, len(self.channels)) > DEEPEST:
            raise ValueError(f"at most {DEEPEST} layers and channels; got {self}")
        shrunk = self.patch * 2 ** (len(self.channels) - 1)
        if any(side % shrunk for side in self.image_size):
            raise ValueError(
                f"image_size {self.image_size} must be a multiple of {shrunk}: {len(self.channels)} convolutions, "
                f"starting with patches of {self.patch}, shrink it by that factor"
            )
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} must be a multiple of twice the number of heads, {2 * self.heads}")

    @classmethod
    def from_json(cls, values: Any, source: Path | str) -> "NetworkConfig":
        """Rebuild a configuration from the JSON of its `dataclasses.asdict`.

        Raises:
            ValueError: If the values are not a configuration; the message names the `source`.
        """
        wrong = misfit(values, cls)
        try:
            if wrong is None:
                fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
                return cls(**fields)
        except ValueError as error:
            wrong = str(error)
        raise ValueError(f"{source} holds no network configuration ({wrong}); run the stage that wrote it again")


def compute_dtype(weight: Tensor) -> torch.dtype:
    """Returns the dtype in which a product with this weight is computed: autocast's if enabled, else the weight's."""
    device = weight.device.type
    known = torch.amp.is_autocast_available(device)  # not on `meta`, which computes shapes only
    return torch.get_autocast_dtype(device) if known and torch.is_autocast_enabled(device) else weight.dtype


class Encoder(nn.Module):
    """Convolutional encoder: frames uint8 (N, H, W, 3) to embeddings (N, width).

    The convolutions read disjoint patches, so each is one product of matrices, once pixels are in the right order. On a
    CPU with AVX2 that takes four fifths of the time of PyTorch's convolutions, forward and backward.

    The last feature map is flattened, not pooled: to steer towards a pad, the agent must know its place on the screen.
    """

    order: Tensor
    """(H * W / patch,) int64: rows of patches, so that what each convolution reads lies together."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the layers."""
        super().__init__()
        channels = config.channels
        self.patches = nn.Conv2d(3, channels[0], config.patch, config.patch)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 2, 2) for before, after in zip(channels, channels[1:], strict=False)
        )
        height, width = (side // config.patch // 2 ** len(self.convolutions) for side in config.image_size)
        self.project = nn.Linear(channels[-1] * height * width, config.width)
        # Their weights are read as matrices with the columns in the order of pixels in memory, channels last.
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.register_buffer("order", _patch_order(config), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames."""
        patches = frames.reshape(len(frames), len(self.order), -1).index_select(1, self.order)
        # Centered on 128: a byte with its highest bit flipped is, read as a signed one, smaller by 128. The factor is a
        # power of two, hence exact wherever it is applied, and the weights are fewer than the pixels.
        x = patches.bitwise_xor_(128).view(torch.int8).to(compute_dtype(self.project.weight))
        layers: list[Any] = [self.patches, *self.convolutions]
        weights = [layer.weight.permute(0, 2, 3, 1).flatten(1) for layer in layers]
        weights[0] = weights[0] / 128
        for layer, weight in zip(layers, weights, strict=True):
            x = torch.relu_(linear(x.view(-1, weight.shape[1]), weight, layer.bias))
        return self.project(x.view(len(frames), -1))


def _patch_order(config: NetworkConfig) -> Tensor:
    """Where the rows of patches (H * W / patch,) are in a frame, in the order in which the encoder reads them.

    A patch's rows come together, as do the four patches that the second convolution reads at a place, the four of its
    results that the third one reads, and so on.
    """
    halvings = [2] * (len(config.channels) - 1)
    height, width = config.image_size
    rows = torch.arange(height * width // config.patch)
    # From (Y, 2, 2, ..., patch, X, 2, 2, ...) to (Y, X, 2, 2, 2, 2, ..., patch): height and width in turns.
    rows = rows.unflatten(0, (height, -1)).unflatten(1, (-1, *halvings)).unflatten(0, (-1, *halvings, config.patch))
    depth = 1 + len(halvings)
    turns = [axis for level in range(depth) for axis in (level, depth + 1 + level)]
    return rows.permute(*turns, depth).flatten()


@dataclass
class Cache:
    """Ring buffers with the keys and values of the last `context` steps of each row, and each row's age in steps."""

    keys: Tensor  # (layers, B, heads, context, width / heads)
    values: Tensor  # (layers, B, heads, context, width / heads)
    age: Tensor  # (B,) int64

    def reset(self, rows: Tensor) -> None:
        """Start a new episode in the rows where the mask (B,) bool is true; their old entries are never read."""
        self.age[rows] = 0


def rotations(positions: Tensor, size: int) -> Tensor:
    """Cosines and sines (..., size / 2, 2) of rotary embeddings for positions (...) int64, fastest rotation first.

    Angles are computed in float64, so that episodes may be arbitrarily long.
    """
    exponents = torch.arange(size // 2, device=positions.device, dtype=torch.float64) / (size // 2)
    angles = positions.double().unsqueeze(-1) * ROTARY_BASE**-exponents
    return torch.stack([angles.cos(), angles.sin()], dim=-1).float()


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Rotate neighboring pairs in x (..., size), so that query-key products depend on relative positions only."""
    pairs = x.float().unflatten(-1, (-1, 2))
    if torch.compiler.is_compiling():  # the compiler does not support complex numbers
        (left, right), (cosine, sine) = pairs.unbind(-1), turns.unbind(-1)
        turned = torch.stack([left * cosine - right * sine, left * sine + right * cosine], dim=-1)
    else:  # takes a third of the time
        turned = torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(turns))
    return turned.flatten(-2).to(x.dtype)


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attention (B, heads, T, size) with a boolean mask (..., T, S), true where allowed, at least once per row."""
    if query.device.type != "cpu":
        return scaled_dot_product_attention(query, key, value, attn_mask=mask)
    # Written out because PyTorch's fused CPU kernel takes six times as long in bfloat16, including the backward pass.
    scores = (query @ key.mT) * query.shape[-1] ** -0.5
    bias = torch.zeros(mask.shape, dtype=scores.dtype, device=mask.device).masked_fill_(~mask, -torch.inf)
    return (scores + bias).softmax(-1).to(value.dtype) @ value


class Block(nn.Module):
    """Transformer block: attention and a two-layer perceptron, each with pre-layer-norm and a residual connection."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the layers; output projections are scaled down with depth, to keep the residual stream small."""
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = nn.Linear(config.width, 3 * config.width, bias=False)
        self.attention_out = nn.Linear(config.width, config.width, bias=False)
        self.perceptron_norm = nn.LayerNorm(config.width)
        self.perceptron_in = nn.Linear(config.width, 4 * config.width)
        self.perceptron_out = nn.Linear(4 * config.width, config.width)
        for out in (self.attention_out, self.perceptron_out):
            with torch.no_grad():
                out.weight.mul_((2 * config.layers) ** -0.5)

    def project(self, x: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries, rotated keys, and values of the stream (B, T, width), each (B, heads, T, width / heads).

        The rotations `turns` are (T, 1, width / heads / 2, 2), or (B, T, 1, ...) if the rows differ in age.
        """
        mixed = self.query_key_value(self.attention_norm(x)).unflatten(-1, (3 * self.heads, -1))
        query_key, value = mixed.split([2 * self.heads, self.heads], dim=2)  # (B, T, heads, width / heads)
        query, key = rotate(query_key, turns).chunk(2, dim=2)
        return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)

    def attend(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Apply attention with a boolean mask, then the perceptron."""
        attended = attention(query, key, value, mask)
        x = x + self.attention_out(attended.transpose(1, 2).flatten(2))
        return x + self.perceptron_out(gelu(self.perceptron_in(self.perceptron_norm(x)), approximate="tanh"))


class Trunk(nn.Module):
    """Encoder and transformer: one hidden state per frame."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the layers with random weights from torch's global generator."""
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        # Attention averages over identical frames and cannot count them: standing still at the start of an episode
        # would look like standing still for long. An embedding of how full the context is distinguishes the two.
        self.age = nn.Embedding(config.context, config.width)
        nn.init.normal_(self.age.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def encode(self, frames: Tensor) -> Tensor:
        """Embed frames uint8 (B, T, H, W, 3) independently into (B, T, width)."""
        assert frames.dtype == torch.uint8 and frames.shape[2:] == (*self.config.image_size, 3), (
            f"expected uint8 frames (B, T, {self.config.image_size}, 3), got {frames.dtype} {tuple(frames.shape)}"
        )
        return self.encoder(frames.flatten(0, 1)).float().unflatten(0, frames.shape[:2])

    def forward(self, frames: Tensor) -> Tensor:
        """Hidden states (B, T, width) of whole episodes (B, T, H, W, 3), with causal attention."""
        steps = torch.arange(frames.shape[1], device=frames.device)
        x = self.encode(frames) + self.age(steps.clamp(max=self.config.context - 1))
        turns = rotations(steps[:, None], self.config.width // self.config.heads)
        behind = steps[:, None] - steps[None, :]  # (T, T)
        band = (behind >= 0) & (behind < self.config.context)
        for block in self.blocks:
            assert isinstance(block, Block)
            x = block.attend(x, *block.project(x, turns), band)
        return self.norm(x)

    def initial_cache(self, batch: int) -> Cache:
        """Return an empty cache for `batch` rows."""
        config, weight = self.config, self.norm.weight
        shape = (config.layers, batch, config.heads, config.context, config.width // config.heads)
        age = torch.zeros(batch, dtype=torch.int64, device=weight.device)
        return Cache(weight.new_zeros(shape), weight.new_zeros(shape), age)

    @torch.no_grad()
    def step(self, frames: Tensor, cache: Cache) -> Tensor:
        """Hidden states (B, width) of the next step (B, H, W, 3) of each row; the cache is updated in place."""
        age = cache.age.clamp(max=self.config.context - 1)
        # Not the blocks: half the rows of one step take more than half of the time, for they need all weights.
        encoded = apply_in_parts(self.encoder, frames, ROWS).float()
        x = (encoded + self.age(age))[:, None]  # (B, 1, width)
        dtype = compute_dtype(self.encoder.project.weight)
        if cache.keys.dtype != dtype:  # at the first step only: converting at every step would take a fifth of its time
            cache.keys, cache.values = cache.keys.to(dtype), cache.values.to(dtype)
        rows = torch.arange(len(frames), device=frames.device)
        slot = cache.age % self.config.context
        turns = rotations(cache.age[:, None, None], self.config.width // self.config.heads)
        slots = torch.arange(self.config.context, device=frames.device)
        written = (slots <= cache.age[:, None])[:, None, None]  # (B, 1, 1, context); all true once the ring is full
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            query, key, value = block.project(x, turns)
            cache.keys[layer, rows, :, slot] = key[:, :, 0]
            cache.values[layer, rows, :, slot] = value[:, :, 0]
            x = block.attend(x, query, cache.keys[layer], cache.values[layer], written)
        cache.age += 1
        return self.norm(x).squeeze(1)


class GamepadTransformer(nn.Module):
    """The policy network: trunk and action head."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the layers with random weights; small head weights make the initial policy nearly uniform.

        Random biases make the components of the mixture differ.
        """
        super().__init__()
        self.config = config
        self.trunk = Trunk(config)
        self.head = nn.Linear(config.width, config.components * COMPONENT_LOGITS)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.normal_(self.head.bias, std=0.3)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (B, T, components * 57) of whole episodes uint8 (B, T, H, W, 3)."""
        return self.head(apply_in_parts(self.trunk, frames, EPISODES))

    def initial_cache(self, batch: int) -> Cache:
        """Return an empty cache for `batch` episodes."""
        return self.trunk.initial_cache(batch)

    def step(self, frames: Tensor, cache: Cache) -> Tensor:
        """Logits (B, components * 57) of the next step (B, H, W, 3) of each row; the cache is updated in place."""
        return self.head(self.trunk.step(frames, cache))
