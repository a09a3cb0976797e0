"""The pickle of a PyTorch checkpoint, read without running anything that it names.

`torch.save` writes containers, numbers, texts and tensors by a few of pickle's operations. This is
an interpreter of those alone: it never looks a name up. The globals that it knows stand for values
of our own, and any other ends the reading.
"""

import pickletools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

# Item types of numpy by the name of PyTorch's storage; bfloat16 is the upper half of a float32.
STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
LARGEST_RANK = 8  # axes of a tensor


class PickleRefused(Exception):  # noqa: N818 (the reader makes it an error with a source)
    """The pickle holds something else than tensors in containers."""


@dataclass(frozen=True)
class Storage:
    """Numbers in a file of their own: `key` of it, `kind` of item, how many."""

    kind: str
    key: str
    items: int


@dataclass(frozen=True)
class TensorView:
    """A tensor as a view of a storage; offset and strides in items."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Global:
    """A name that the pickle mentions."""

    module: str
    name: str


_MARK = object()
ORDERED_DICT = _Global("collections", "OrderedDict")
REBUILD = _Global("torch._utils", "_rebuild_tensor_v2")


def read_pickle(data: bytes) -> Any:
    """What a checkpoint's pickle holds, tensors as `TensorView`.

    Args:
        data: the whole pickle.

    Raises:
        PickleRefused: it is damaged, or would call anything but the rebuilding of tensors.
    """
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(data):
            step = _STEPS.get(operation.name)
            if step is None:
                raise PickleRefused(f"uses pickle's {operation.name}, which torch.save does not")
            step(machine, argument)
    except PickleRefused:
        raise
    except (ValueError, IndexError, KeyError, TypeError, UnicodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise PickleRefused(f"its pickle is damaged: {reason}") from error
    if machine.result is _MARK:
        raise PickleRefused("its pickle has no end")
    return machine.result


class _Machine:
    """Stack and memory of an interpreter."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.result: Any = _MARK

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise PickleRefused("its pickle is damaged: a mark where a value should be")
        return value

    def popped_to_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise PickleRefused("its pickle is damaged: a mark is missing")

    def pushed_tuple(self, size: int) -> None:
        self.push(tuple(reversed([self.pop() for _ in range(size)])))

    def remember(self, place: int) -> None:
        self.memory[place] = self.stack[-1]

    def end(self) -> None:
        self.result = self.pop()

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise PickleRefused("its pickle is damaged: entries of something that is no list")
        target.extend(values)

    def put(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(pairs) % 2:
            raise PickleRefused("its pickle is damaged: keys of something that is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[_plain_key(key)] = value

    def reduce(self) -> None:
        """Call what a pickle asks for: to rebuild a tensor, or for an empty dictionary."""
        arguments, function = self.pop(), self.pop()
        if function == ORDERED_DICT and arguments == ():
            self.push({})
        elif function == REBUILD and isinstance(arguments, tuple):
            self.push(_tensor(*arguments[:4]))
        else:
            raise PickleRefused(f"would call {_named(function)}; only tensors are rebuilt")

    def build(self) -> None:
        """Attributes of a dictionary, as `_metadata` of a state_dict: passed over."""
        self.pop()
        if not isinstance(self.stack[-1], dict):
            raise PickleRefused(
                "sets attributes of an object; only dictionaries of tensors are read"
            )

    def persistent(self) -> None:
        self.push(_storage(self.pop()))


def _plain_key(key: Any) -> Hashable:
    """A key whose hash is quick: nested tuples, which a pickle can share, would take for ever."""
    if not isinstance(key, str | int | float | bool | None):
        raise PickleRefused(f"has a {type(key).__name__} as a key of a dictionary")
    return key


def _named(function: Any) -> str:
    is_global = isinstance(function, _Global)
    return f"{function.module}.{function.name}" if is_global else "something that is no function"


def _global(machine: _Machine, argument: str) -> None:
    """A name: of the two functions, or of a storage's type."""
    found = _Global(*argument.split(" ", 1))
    storage = found.module == "torch" and found.name in STORAGES
    if found not in (ORDERED_DICT, REBUILD) and not storage:
        raise PickleRefused(f"names {_named(found)}: only tensors are read, and nothing is run")
    machine.push(found)


def _storage(identity: Any) -> Storage:
    """The storage of `("storage", type, key, device, items)`."""
    match identity:
        case ("storage", _Global(module="torch", name=name), str(key), str(), int(items)):
            if name in STORAGES and items >= 0:
                return Storage(STORAGES[name], key, items)
    raise PickleRefused("its pickle is damaged: a storage is not as PyTorch writes it")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> TensorView:
    """A view, checked against its storage."""
    if not isinstance(storage, Storage) or not all(map(_sizes, ((offset,), shape, strides))):
        raise PickleRefused("its pickle is damaged: a tensor is not as PyTorch writes it")
    if len(shape) != len(strides):
        raise PickleRefused("its pickle is damaged: a tensor's shape and strides differ in length")
    items, last = 1, offset
    for size, stride in zip(shape, strides, strict=True):
        items *= size
        last += (size - 1) * stride
    if items > storage.items or (items and last >= storage.items):
        raise PickleRefused(f"declares a tensor of shape {list(shape)[:8]} that its storage lacks")
    return TensorView(storage, offset, shape, strides)


def _sizes(numbers: Any) -> bool:
    """Whether they are sizes: a tuple of few whole numbers from 0."""
    return (
        isinstance(numbers, tuple)
        and len(numbers) <= LARGEST_RANK
        and all(type(n) is int and 0 <= n < 1 << 62 for n in numbers)
    )


def _nothing(machine: _Machine, argument: Any) -> None:
    """An operation without effect on values."""


def _pushing(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.push(make())


def _push_argument(machine: _Machine, argument: Any) -> None:
    machine.push(argument)


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _nothing,
    "FRAME": _nothing,
    "GLOBAL": _global,
    "MARK": _pushing(lambda: _MARK),
    "NONE": _pushing(lambda: None),
    "NEWTRUE": _pushing(lambda: True),
    "NEWFALSE": _pushing(lambda: False),
    "EMPTY_TUPLE": _pushing(tuple),
    "EMPTY_LIST": _pushing(list),
    "EMPTY_DICT": _pushing(dict),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
        _push_argument,
    ),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.remember),
    **dict.fromkeys(
        ("BINGET", "LONG_BINGET"), lambda machine, place: machine.push(machine.memory[place])
    ),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.popped_to_mark())),
    "TUPLE1": lambda machine, _: machine.pushed_tuple(1),
    "TUPLE2": lambda machine, _: machine.pushed_tuple(2),
    "TUPLE3": lambda machine, _: machine.pushed_tuple(3),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.popped_to_mark()),
    "SETITEM": lambda machine, _: machine.put([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.put(machine.popped_to_mark()),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.persistent(),
    "STOP": lambda machine, _: machine.end(),
}
