# The types that this package ships are wrong in ways that drown real findings: to the type
# checker everything in it is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
