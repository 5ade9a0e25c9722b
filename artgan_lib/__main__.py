"""`python -m artgan_lib` is the command `artgan`."""

import sys

from artgan_lib.interface.cli import main

sys.exit(main())
