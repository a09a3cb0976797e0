"""Words for numbers, the same in every line that a person reads. Standard library only."""


def counted(number: int, noun: str) -> str:
    """A number of things: only of one, its noun is singular.

    >>> counted(1, "epoch"), counted(0, "epoch"), counted(2000, "scene")
    ('1 epoch', '0 epochs', '2,000 scenes')
    >>> counted(1, "whole batch"), counted(2, "whole batch")
    ('1 whole batch', '2 whole batches')
    """
    several = noun + ("es" if noun.endswith(("tch", "sh", "ss", "x")) else "s")
    return f"{number:,} {noun if number == 1 else several}"
