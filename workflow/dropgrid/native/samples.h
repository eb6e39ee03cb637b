/* Two channels, rounded to 16 bits: their mean, cut to 16 bits, and half their difference.

   Included once for each kind of vector, see lstm.h; besides: SWAPPED(v), neighbours exchanged. */

static inline V NAME(mixed)(V x, V left_only)
{
    const V rounder = ALL(1.5f * 8388608.0f); /* added and taken away again, this rounds */
    V steps = x * ALL(32768.0f), other, mean, side;
    steps = LEAST(ALL(32767.0f), MOST(ALL(-32768.0f), steps));
    steps = steps + rounder - rounder;
    other = SWAPPED(steps);
    mean = __builtin_convertvector(__builtin_convertvector((steps + other) * ALL(0.5f), I), V);
    side = (other - steps) * ALL(0.5f);
    return (mean * left_only + side * (ALL(1.0f) - left_only)) * ALL(1.0f / 32768);
}

static void NAME(mix)(const float *block, ptrdiff_t rows, float *out)
{
    float pattern[WIDE], last[WIDE] = {0};
    ptrdiff_t n;
    V left_only;
    for (n = 0; n < WIDE; n++)
        pattern[n] = n % 2 == 0;
    left_only = LOAD(pattern);
    for (n = 0; n + WIDE <= 2 * rows; n += WIDE)
        STORE(out + n, NAME(mixed)(LOAD(block + n), left_only));
    if (n < 2 * rows) {
        memcpy(last, block + n, (2 * rows - n) * sizeof(float));
        STORE(last, NAME(mixed)(LOAD(last), left_only));
        memcpy(out + n, last, (2 * rows - n) * sizeof(float));
    }
}
