"""SIMD lanes: the innermost operations of the rasterizer as LLVM vector instructions.

A polygon on the screen is a few rows high and a few pixels wide. Scalar loops over its rows and pixels spend their
time on branch mispredictions: at the ends of edges and spans, and at each depth test. The code here is branch-free:
the spans of eight rows follow from all edges at once, and eight pixels are written with a mask. Numba does not
vectorize such short loops, so they are written in LLVM IR, which LLVM compiles for the processor at hand; results are
the same on all of them.
"""

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types

intrinsic: Any = extending.intrinsic  # for pyright: callers of an intrinsic pass no typing context

ROWS = 8
"""Rows whose spans are computed at a time."""
HALF = 4
"""Rows per vector: wider ones slow down the clock of some processors that have them."""
LANES = 8
"""Pixels written at a time: as many as the registers of most processors hold, and as wide as most spans are."""
STRETCH = 2 * LANES
"""Pixels whose depths follow from the first one's; a frame must have at least as many."""

_FLOAT, _DOUBLE, _INT = ir.FloatType(), ir.DoubleType(), ir.IntType(32)


@intrinsic
def find_spans(typing_context: Any, outline: Any, count: Any, row: Any, width: Any, spans: Any):
    """Computes the spans of eight pixel rows in a convex polygon.

    A span is bounded by the lines of all downward edges on its left and of all upward ones on its right, so there is no
    need to find the edges that a row crosses. Each edge starts at its upper end: then both polygons at an edge get the
    same points.

    Args:
        typing_context: Numba's.
        outline: (>= count, 2) float64, C order, pixels to the right and down, counter-clockwise as seen.
        count: int64, number of corners.
        row: int64, the first of the rows.
        width: int64, of the frame, pixels.
        spans: (2, ROWS) int32, C order, output: the first pixel of each row, and one past the last.
    """
    signature = types.void(outline, types.int64, types.int64, types.int64, spans)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        outline, count, row, width, spans = arguments
        doubles, integers = ir.VectorType(_DOUBLE, HALF), ir.VectorType(_INT, HALF)
        corners = context.make_array(signature.args[0])(context, builder, outline).data

        def number(corner: Any, axis: int) -> Any:
            index = builder.add(builder.mul(corner, ir.Constant(corner.type, 2)), ir.Constant(corner.type, axis))
            return builder.load(builder.gep(corners, [index]))

        nothing = ir.Constant(doubles, [0.0] * HALF)
        edge = _everywhere(builder, builder.sitofp(width, _DOUBLE), doubles)
        halves = range(0, ROWS, HALF)
        lefts = [cgutils.alloca_once_value(builder, nothing) for _ in halves]
        rights = [cgutils.alloca_once_value(builder, edge) for _ in halves]
        first = _everywhere(builder, builder.sitofp(row, _DOUBLE), doubles)
        middles = [ir.Constant(doubles, [half + lane + 0.5 for lane in range(HALF)]) for half in halves]
        centers = [builder.fadd(first, middle) for middle in middles]
        with cgutils.for_range(builder, count) as loop:
            after = builder.add(loop.index, ir.Constant(loop.index.type, 1))
            after = builder.select(builder.icmp_signed("<", after, count), after, ir.Constant(after.type, 0))
            x, y, next_x, next_y = (number(corner, axis) for corner in (loop.index, after) for axis in range(2))
            with builder.if_then(builder.fcmp_ordered("!=", y, next_y)):
                down = builder.fcmp_ordered(">", next_y, y)
                upper_x, lower_x = builder.select(down, x, next_x), builder.select(down, next_x, x)
                upper_y, lower_y = builder.select(down, y, next_y), builder.select(down, next_y, y)
                slope = builder.fdiv(builder.fsub(lower_x, upper_x), builder.fsub(lower_y, upper_y))
                slopes, starts = _everywhere(builder, slope, doubles), _everywhere(builder, upper_x, doubles)
                top = _everywhere(builder, upper_y, doubles)
                for left, right, center in zip(lefts, rights, centers, strict=True):
                    here = builder.fadd(starts, builder.fmul(builder.fsub(center, top), slopes))
                    old_left, old_right = builder.load(left), builder.load(right)
                    new_left = builder.select(builder.fcmp_ordered(">", here, old_left), here, old_left)
                    new_right = builder.select(builder.fcmp_ordered("<", here, old_right), here, old_right)
                    builder.store(builder.select(down, new_left, old_left), left)
                    builder.store(builder.select(down, old_right, new_right), right)
        ceil = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(doubles, [doubles]), f"llvm.ceil.v{HALF}f64"
        )
        for half, left, right in zip(halves, lefts, rights, strict=True):
            begin, end = builder.load(left), builder.load(right)
            begin = builder.select(builder.fcmp_ordered("<", begin, edge), begin, edge)
            end = builder.select(builder.fcmp_ordered(">", end, nothing), end, nothing)
            for bound, place in ((begin, half), (end, ROWS + half)):
                # A pixel is in the span if its center is.
                whole = builder.call(ceil, [builder.fsub(bound, ir.Constant(doubles, [0.5] * HALF))])
                start = ir.Constant(ir.IntType(64), place)
                address = _address(context, builder, signature.args[4], spans, start, integers)
                builder.store(builder.fptosi(whole, integers), address, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def write_nearer(
    typing_context: Any, depth: Any, pixels: Any, base: Any, lane: Any, begin: Any, end: Any, plane: Any, value: Any
):
    """Writes `LANES` pixels of a stretch, masked by the depth test.

    Args:
        typing_context: Numba's.
        depth: (H, W) float32, C order, z-buffer, updated.
        pixels: (H, W) uint32, C order, updated.
        base: int64, index of the stretch's first pixel in the flat arrays; the whole stretch must be inside.
        lane: int32, first pixel of the stretch to write.
        begin: int32, first that may be written.
        end: int32, one past the last.
        plane: (float32, float32), depth of the stretch's first pixel and its increase per pixel.
        value: uint32, value of the pixels.
    """
    pair = types.UniTuple(types.float32, 2)
    signature = types.void(depth, pixels, types.int64, types.int32, types.int32, types.int32, pair, types.uint32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        depth, pixels, base, lane, begin, end, plane, value = arguments
        floats, integers = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)
        base = builder.add(base, builder.sext(lane, base.type))
        depths = _address(context, builder, signature.args[0], depth, base, floats)
        values = _address(context, builder, signature.args[1], pixels, base, integers)
        old_depths, old_values = builder.load(depths, align=4), builder.load(values, align=4)
        first, step = (_everywhere(builder, builder.extract_value(plane, index), floats) for index in range(2))
        lanes = builder.add(_everywhere(builder, lane, integers), ir.Constant(integers, list(range(LANES))))
        here = builder.fadd(first, builder.fmul(step, builder.sitofp(lanes, floats)))
        seen = builder.and_(
            builder.and_(
                builder.icmp_signed(">=", lanes, _everywhere(builder, begin, integers)),
                builder.icmp_signed("<", lanes, _everywhere(builder, end, integers)),
            ),
            builder.fcmp_ordered(">", here, old_depths),
        )
        # Pixels first: of the first store LLVM makes a masked one, for which a load of the same place would wait.
        builder.store(builder.select(seen, _everywhere(builder, value, integers), old_values), values, align=4)
        builder.store(builder.select(seen, here, old_depths), depths, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def unpack_lanes(typing_context: Any, pixels: Any, out: Any, base: Any):
    """Unpacks `LANES` colors into three bytes each.

    Args:
        typing_context: Numba's.
        pixels: (n,) uint32, C order: red | green << 8 | blue << 16.
        out: (3 * n,) uint8, C order, output.
        base: int64, index of the first color.
    """
    signature = types.void(pixels, out, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pixels, out, base = arguments
        words, bytes_ = ir.VectorType(_INT, LANES), ir.IntType(8)
        colors = builder.load(_address(context, builder, signature.args[0], pixels, base, words), align=4)
        # Every processor that Numba supports is little-endian.
        spread = builder.bitcast(colors, ir.VectorType(bytes_, 4 * LANES))
        kept = [4 * lane + byte for lane in range(LANES) for byte in range(3)]
        order = ir.Constant(ir.VectorType(_INT, len(kept)), kept)
        channels = builder.shuffle_vector(spread, ir.Constant(spread.type, ir.Undefined), order)
        start = builder.mul(base, ir.Constant(base.type, 3))
        builder.store(channels, _address(context, builder, signature.args[1], out, start, channels.type), align=1)
        return context.get_dummy_value()

    return signature, generate


def _address(context: Any, builder: Any, kind: Any, array: Any, base: Any, vector: ir.VectorType) -> Any:
    """Returns the address of the elements from an index on, as a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [base]), vector.as_pointer())


def _everywhere(builder: Any, scalar: Any, vector: ir.VectorType) -> Any:
    """Broadcasts a scalar to all lanes."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT, vector.count), [0] * vector.count))
