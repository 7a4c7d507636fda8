# MuJoCo 4.0 ships no types for its compiled modules, so pyright sees no name of theirs. Here every name is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
