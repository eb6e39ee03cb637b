/* Two channels, rounded to 16 bits: their mean, truncated to 16 bits, and half their difference.

   Included once for each kind of vector, see lstm.h; also defined: EVEN(a, b) and ODD(a, b), the even
   or odd lanes of a, then those of b. */

static inline V NAME(steps)(V x) /* rounded to 16-bit steps */
{
    const V rounder = ALL(1.5f * 8388608.0f); /* rounds when added and subtracted again */
    x = LEAST(ALL(32767.0f), MOST(ALL(-32768.0f), x * ALL(32768.0f)));
    return x + rounder - rounder;
}

static inline void NAME(mixed)(V left, V right, float *mean, float *side)
{
    const V full = ALL(1.0f / 32768), half = ALL(0.5f);
    const V l = NAME(steps)(left), r = NAME(steps)(right), sum = (l + r) * half;
    STORE(mean, __builtin_convertvector(__builtin_convertvector(sum, I), V) * full);
    STORE(side, (l - r) * half * full);
}

static void NAME(mix)(const float *block, ptrdiff_t rows, ptrdiff_t apart, float *out)
{
    float *side = out + rows;
    ptrdiff_t n;
    for (n = 0; n + WIDE <= rows; n += WIDE) {
        if (apart)
            NAME(mixed)(LOAD(block + n), LOAD(block + apart + n), out + n, side + n);
        else {
            const V a = LOAD(block + 2 * n), b = LOAD(block + 2 * n + WIDE);
            NAME(mixed)(EVEN(a, b), ODD(a, b), out + n, side + n);
        }
    }
    if (n < rows) {
        const size_t left = rows - n;
        float last[4][WIDE] = {{0}};
        size_t k;
        for (k = 0; k < left; k++) {
            last[0][k] = apart ? block[n + k] : block[2 * (n + k)];
            last[1][k] = apart ? block[apart + n + k] : block[2 * (n + k) + 1];
        }
        NAME(mixed)(LOAD(last[0]), LOAD(last[1]), last[2], last[3]);
        memcpy(out + n, last[2], left * sizeof(float));
        memcpy(side + n, last[3], left * sizeof(float));
    }
}

/* Convert samples to 16-bit integers; return whether this was exact. */
static int NAME(pack)(const float *samples, ptrdiff_t count, int16_t *out)
{
    int whole = 1;
    ptrdiff_t n;
    for (n = 0; n < count; n++) {
        const float steps = samples[n] * 32768.0f;
        const int within = steps >= -32768.0f && steps <= 32767.0f;
        const int step = (int)(within ? steps : 0.0f);
        out[n] = (int16_t)step;
        whole &= (float)step == steps;
    }
    return whole;
}

/* The largest magnitude, as bits, which are in the same order as the numbers. */
static int32_t NAME(largest)(const int32_t *samples, ptrdiff_t count)
{
    int32_t found = 0;
    ptrdiff_t n;
    for (n = 0; n < count; n++) {
        const int32_t magnitude = samples[n] & 0x7FFFFFFF;
        found = magnitude > found ? magnitude : found;
    }
    return found;
}
