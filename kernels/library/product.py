"""Matrix products, compiled once for all layers: blocks of the operands, tile after tile.

This file is compiled through the kernel cache like generated source: ``library`` reads it, nothing imports it.
Addresses are plain integers and strides are bytes.  A panel of the right operand that the tiles walk through stays in
the second-level cache; it is copied where its rows are not contiguous, lie far apart or do not fill whole vectors.
"""

import numpy as np
from numba import cfunc, njit, types

from kernels.parallel import get_threads, in_chunks
from kernels.tiles import HEIGHTS, PANEL, WIDE, dots_tile, product_tile, transposed_tile
from kernels.vectors import BYTES, address_of, lanes, read, write
from kernels.whole import PART, Whole

DTYPE = "float32"  # another one is written here
ITEM, LANES = BYTES[DTYPE], lanes(DTYPE)
number = getattr(np, DTYPE)
word = types.intp
OPTIONS = {"error_model": "numpy"}

WIDTH = PANEL * LANES  # columns of a panel
DEPTH = 512  # rows of a panel: 128 KiB, which leave room for the left operand in the second-level cache
PAGE = 4096  # bytes: rows farther apart need an entry of the TLB each
MANY = 24  # rows of the left operand from which copying the right one pays
FEW = 12  # rows below which copying a transpose does not
SPEED = 14 * LANES // 4  # multiply-adds in a nanosecond, about
STREAM = 110  # bytes in a nanosecond from the second-level cache, about: what one row waits for
REUSE = 16  # a thread that has computed whole rows has what is next done with them: worth so much of its share
MOST = np.array([HEIGHTS.get(vectors, (0,))[0] for vectors in range(WIDE + 1)])

tile = product_tile(DTYPE)
transposed = transposed_tile(DTYPE)
dots = dots_tile(DTYPE)


@njit(**OPTIONS, **PART)
def copied(depth, width, b, b_row, b_column, panel):
    """Copy a part of b into a panel with contiguous rows."""
    whole_depth, whole_width = 0, 0
    if b_row == ITEM:
        whole_depth, whole_width = depth - depth % LANES, width - width % LANES
    for j in range(0, whole_width, LANES):
        for k in range(0, whole_depth, LANES):
            transposed(b + k * b_row + j * b_column, b_column, address_of(panel) + (k * WIDTH + j) * ITEM, WIDTH * ITEM)
    for k in range(depth):
        row = b + k * b_row
        if b_column == ITEM:  # the same, for vectors
            for j in range(width):
                panel[k, j] = read(number, row + j * ITEM)
        else:
            for j in range(whole_width if k < whole_depth else 0, width):
                panel[k, j] = read(number, row + j * b_column)


@njit(**OPTIONS, **PART)
def vectors_of(width):
    """Of a tile, for so many columns of a panel."""
    return min(PANEL, 1 if width <= LANES else 2 if width <= 2 * LANES else 4)


@njit(**OPTIONS, **PART)
def down(rows, width, depth, a, a_row, a_column, b, b_row, c, c_row, add):
    """A panel of c, from top to bottom."""
    vectors = WIDE if width > PANEL * LANES else vectors_of(width)
    row = 0
    while row < rows:
        rest = rows - row
        step = MOST[vectors] if rest >= MOST[vectors] else 4 if rest >= 4 else 2 if rest >= 2 else 1
        tile(step, vectors, width, depth, a + row * a_row, a_row, a_column, b, b_row, c + row * c_row, c_row, add)
        row += step


@njit(**OPTIONS, **PART)
def block(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row):
    """A product on one thread."""
    copy = b_column != ITEM or (b_row >= PAGE and rows >= MANY)
    panel = np.empty((min(DEPTH, depth) if copy else 0, WIDTH), number)
    for first in range(0, depth, DEPTH):
        part = min(DEPTH, depth - first)
        a_here = a + first * a_column
        column = 0
        while column < columns:
            width = columns - column
            width = min(width, WIDTH if rows > 1 or copy or width <= WIDE // 2 * LANES else WIDE * LANES)
            b_here, b_stride = b + first * b_row + column * b_column, b_row
            if copy:
                copied(part, width, b_here, b_row, b_column, panel)
                b_here, b_stride = address_of(panel), WIDTH * ITEM
            down(rows, width, part, a_here, a_row, a_column, b_here, b_stride, c + column * ITEM, c_row, first)
            column += width


@njit(**OPTIONS, **PART)
def few_rows(rows, columns, depth, a, a_row, b, b_column, c, c_row):
    """A product with a transpose: copying it would cost more than all its dot products."""
    row = 0
    while row < rows:
        height = 4 if rows - row >= 4 else 2 if rows - row >= 2 else 1
        most = 8 if height == 1 else 4
        column = 0
        while column < columns:
            width = most if columns - column >= most else 1
            here = c + row * c_row + column * ITEM
            dots(height, width, depth, a + row * a_row, a_row, b + column * b_column, b_column, here, c_row)
            column += width
        row += height


@njit(**OPTIONS, **PART)
def some_rows(first, last, height, rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row):
    """The rows of some tiles."""
    first *= height
    rows = min(last * height, rows) - first
    block(rows, columns, depth, a + first * a_row, a_row, a_column, b, b_row, b_column, c + first * c_row, c_row)


@njit(**OPTIONS, **PART)
def some_columns(first, last, width, rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row):
    """The columns of some panels."""
    first *= width
    columns = min(last * width, columns) - first
    block(rows, columns, depth, a, a_row, a_column, b + first * b_column, b_row, b_column, c + first * ITEM, c_row)


@njit(**OPTIONS, **PART)
def largest(length, step, threads):
    """Of the shares of a length that is divided in whole steps: what the last thread has to do."""
    steps = (length + step - 1) // step
    return min(length, (steps + threads - 1) // threads * step)


@cfunc(types.void(*[word] * 11), cache=True, pipeline_class=Whole, **OPTIONS)
def product(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row):
    """c (rows, columns) = a (rows, depth) · b (depth, columns); the rows of c are contiguous."""
    if depth == 0:
        for row in range(rows):
            for column in range(columns):
                write(c + row * c_row + column * ITEM, number(0))
        return
    if rows < FEW and a_column == ITEM and b_row == ITEM and b_column != ITEM:
        few_rows(rows, columns, depth, a, a_row, b, b_column, c, c_row)
        return
    nanoseconds = columns * depth * max(rows * STREAM, SPEED * ITEM) // (SPEED * STREAM)
    arguments = (rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row)
    height, threads = MOST[vectors_of(columns)], get_threads()
    by_rows, by_columns = largest(rows, height, threads) * columns, largest(columns, WIDTH, threads) * rows
    if by_rows <= by_columns + by_columns // REUSE:
        in_chunks(some_rows, (rows + height - 1) // height, nanoseconds, (height, *arguments))
    else:
        in_chunks(some_columns, (columns + WIDTH - 1) // WIDTH, nanoseconds, (WIDTH, *arguments))
