# SPDX-License-Identifier: GPL-2.0-or-later
"""pool.py [FILE] - a program with a large shared mapping, for the examples

Without a file it ends at once; with one it stays.
"""
import mmap
import os
import signal
import sys

size = 64 << 20
file = os.open(sys.argv[1], os.O_RDWR) if sys.argv[1:] else -1
pool = mmap.mmap(file, size)
for page in range(0, size, mmap.PAGESIZE):
    pool[page]
if file >= 0:
    signal.pause()
