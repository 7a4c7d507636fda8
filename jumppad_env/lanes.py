"""Eight pixels at a time: the innermost operation of the rasterizer, as the processor's vector instructions.

Spans are a few pixels short, so a loop over their pixels spends its time on guessing when it ends, and each pixel's
depth is another guess. Here neither is: eight depths are compared, and what is nearer replaces what was there. Numba
vectorizes no loop as short as this one, so the instruction is written down in LLVM's own terms. LLVM turns it into
whatever the processor has; results are the same everywhere.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 8

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FLOATS, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


@intrinsic
def write_nearer(typing_context: Any, depth: Any, pixels: Any, base: Any, begin: Any, end: Any, plane: Any, value: Any):
    """Writes to those of eight pixels where nothing nearer has been drawn.

    Args:
        typing_context: Numba's.
        depth: (H, W) float32, C order, of at least `LANES` elements, written to.
        pixels: (H, W) uint32, C order, written to.
        base: int64, index of the first of the eight in the flat arrays; they must all be inside.
        begin: int32, first lane that may be written.
        end: int32, one past the last.
        plane: (float32, float32), depth in lane 0 and how much it grows per lane.
        value: uint32, what is written.
    """
    pair = types.UniTuple(types.float32, 2)
    signature = types.void(depth, pixels, types.int64, types.int32, types.int32, pair, types.uint32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        depth, pixels, base, begin, end, plane, value = arguments
        depths = _address(context, builder, signature.args[0], depth, base, _FLOATS)
        values = _address(context, builder, signature.args[1], pixels, base, _INTS)
        old_depths, old_values = builder.load(depths, align=4), builder.load(values, align=4)
        first, step = (_everywhere(builder, builder.extract_value(plane, index), _FLOATS) for index in range(2))
        here = builder.fadd(first, builder.fmul(step, ir.Constant(_FLOATS, [float(lane) for lane in range(LANES)])))
        lanes = ir.Constant(_INTS, list(range(LANES)))
        seen = builder.and_(
            builder.and_(
                builder.icmp_signed(">=", lanes, _everywhere(builder, begin, _INTS)),
                builder.icmp_signed("<", lanes, _everywhere(builder, end, _INTS)),
            ),
            builder.fcmp_ordered(">", here, old_depths),
        )
        builder.store(builder.select(seen, here, old_depths), depths, align=4)
        builder.store(builder.select(seen, _everywhere(builder, value, _INTS), old_values), values, align=4)
        return context.get_dummy_value()

    return signature, generate


def _address(context: Any, builder: Any, kind: Any, array: Any, base: Any, vector: ir.VectorType) -> Any:
    """Returns the address of the eight elements that begin at an index."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [base]), vector.as_pointer())


def _everywhere(builder: Any, scalar: Any, vector: ir.VectorType) -> Any:
    """Returns a vector with the scalar in all lanes."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(_INTS, [0] * LANES))
