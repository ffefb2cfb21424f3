"""Progress of a start, told line by line with the seconds since `make` began. Imports nothing of ours."""

import os
import time


def begin() -> None:
    """Count from now, in this process and those it starts."""
    os.environ.setdefault("OKRYU_BEGAN", repr(time.time()))


def tell(text: str) -> None:
    began = float(os.environ.get("OKRYU_BEGAN", time.time()))
    print(f"{time.time() - began:6.1f} s  {text}", flush=True)
