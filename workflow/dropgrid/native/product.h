/* Products of matrices, each sum from its first term to its last, fused.

   Included once for each kind of vector, see lstm.h; also defined: ROWS and BLOCKS, the rows and the
   blocks of COLUMNS columns that are computed together, so that their sums fit into the registers. */

#define PARTS (COLUMNS / WIDE) /* vectors of a block */

static inline __attribute__((always_inline)) void NAME(tile)(
    const struct product *one, ptrdiff_t row, ptrdiff_t block, const int rows, const int blocks)
{
    const float *a = one->left + row * one->left_row;
    const float *b = one->right + block * one->terms * COLUMNS;
    float *out = one->out + row * one->out_row + block * COLUMNS;
    V sums[ROWS][BLOCKS * PARTS];
    ptrdiff_t k;
    int r, p;
#pragma GCC unroll 16
    for (r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (p = 0; p < blocks * PARTS; p++)
            sums[r][p] = one->add ? LOAD(out + r * one->out_row + p * WIDE) : (V)ALL(0.0f);
    for (k = 0; k < one->terms; k++) {
        V right[BLOCKS * PARTS];
#pragma GCC unroll 16
        for (p = 0; p < blocks * PARTS; p++)
            right[p] = LOAD(b + (p / PARTS * one->terms + k) * COLUMNS + p % PARTS * WIDE);
#pragma GCC unroll 16
        for (r = 0; r < rows; r++) {
            const V left = ALL(a[r * one->left_row + k]);
#pragma GCC unroll 16
            for (p = 0; p < blocks * PARTS; p++)
                sums[r][p] = FMA(left, right[p], sums[r][p]);
        }
    }
#pragma GCC unroll 16
    for (r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (p = 0; p < blocks * PARTS; p++)
            STORE(out + r * one->out_row + p * WIDE, sums[r][p]);
}

static inline __attribute__((always_inline)) void NAME(across)(
    const struct product *one, ptrdiff_t row, const int rows)
{
    ptrdiff_t block = 0;
    for (; block + BLOCKS <= one->blocks; block += BLOCKS)
        NAME(tile)(one, row, block, rows, BLOCKS);
    for (; block < one->blocks; block++)
        NAME(tile)(one, row, block, rows, 1);
}

/* Some rows with their rises, which stay in a near cache. */
static inline __attribute__((always_inline)) void NAME(risen)(
    const struct product *one, ptrdiff_t row, const int rows)
{
    float room[ROWS * MOST_TERMS] __attribute__((aligned(64)));
    struct product here = *one;
    rises(one->left + row * one->left_row, room, rows, one->left_row, one->stretches,
          one->stretches_count);
    here.left = room, here.left_row = one->terms;
    here.out += row * one->out_row;
    NAME(across)(&here, 0, rows);
}

static void NAME(multiply)(const struct product *one)
{
    ptrdiff_t row = 0;
    if (one->stretches) {
        for (; row + ROWS <= one->rows; row += ROWS)
            NAME(risen)(one, row, ROWS);
        for (; row < one->rows; row++)
            NAME(risen)(one, row, 1);
        return;
    }
    for (; row + ROWS <= one->rows; row += ROWS)
        NAME(across)(one, row, ROWS);
    for (; row < one->rows; row++)
        NAME(across)(one, row, 1);
}

#undef PARTS
