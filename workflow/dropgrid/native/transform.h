/* Fourier transforms of real frames, one frame in each lane of a vector, with their magnitudes and
   weighted sums of bins.

   Included once for each kind of vector, see lstm.h; also defined: SQRT(v); LOW(a, b) and HIGH(a, b),
   which interleave the first and the second halves of a and b.

   Source: P. Swarztrauber's FFTPACK (public domain). The passes and the order of sums are the same
   there and in pocketfft, so each number is the same as scipy's. */

static inline void NAME(passed4)(
    const struct pass *pass, const float *restrict in, float *restrict out)
{
    const int l = pass->groups, n = pass->length;
    const V half = ALL(0.70710678118654752440f);
    int k, i;
#define IN(i, k, j) LOAD(in + ((i) + n * ((k) + l * (j))) * WIDE)
#define OUT(i, j, k, v) STORE(out + ((i) + n * ((j) + 4 * (k))) * WIDE, v)
    for (k = 0; k < l; k++) {
        V a = IN(0, k, 0), b = IN(0, k, 1), c = IN(0, k, 2), d = IN(0, k, 3);
        V odd = d + b, even = a + c;
        OUT(0, 2, k, d - b);
        OUT(n - 1, 1, k, a - c);
        OUT(0, 0, k, even + odd);
        OUT(n - 1, 3, k, even - odd);
        if (n > 1) {
            V t, s;
            a = IN(n - 1, k, 0), b = IN(n - 1, k, 1), c = IN(n - 1, k, 2), d = IN(n - 1, k, 3);
            t = -half * (b + d), s = half * (b - d);
            OUT(n - 1, 0, k, a + s);
            OUT(n - 1, 2, k, a - s);
            OUT(0, 3, k, t + c);
            OUT(0, 1, k, t - c);
        }
        for (i = 2; i < n; i += 2) {
            const float *w = pass->factors + (i - 2);
            const int m = n - i;
            V re[4], im[4], sum, difference, sum_im, difference_im, first, third, first_im, third_im;
            int j;
            for (j = 1; j < 4; j++, w += n - 1) {
                const V c = ALL(w[0]), s = ALL(w[1]), x = IN(i - 1, k, j), y = IN(i, k, j);
                re[j] = c * x + s * y;
                im[j] = c * y - s * x;
            }
            sum = re[3] + re[1], difference = re[3] - re[1];
            sum_im = im[1] + im[3], difference_im = im[1] - im[3];
            re[0] = IN(i - 1, k, 0), im[0] = IN(i, k, 0);
            first = re[0] + re[2], third = re[0] - re[2];
            first_im = im[0] + im[2], third_im = im[0] - im[2];
            OUT(i - 1, 0, k, first + sum);
            OUT(m - 1, 3, k, first - sum);
            OUT(i, 0, k, sum_im + first_im);
            OUT(m, 3, k, sum_im - first_im);
            OUT(i - 1, 2, k, third + difference_im);
            OUT(m - 1, 1, k, third - difference_im);
            OUT(i, 2, k, difference + third_im);
            OUT(m, 1, k, difference - third_im);
        }
    }
#undef OUT
}

static inline void NAME(passed2)(
    const struct pass *pass, const float *restrict in, float *restrict out)
{
    const int l = pass->groups, n = pass->length;
    int k, i;
#define OUT(i, j, k, v) STORE(out + ((i) + n * ((j) + 2 * (k))) * WIDE, v)
    for (k = 0; k < l; k++) {
        V a = IN(0, k, 0), b = IN(0, k, 1);
        OUT(0, 0, k, a + b);
        OUT(n - 1, 1, k, a - b);
        if (n > 1) {
            OUT(0, 1, k, -IN(n - 1, k, 1));
            OUT(n - 1, 0, k, IN(n - 1, k, 0));
        }
        for (i = 2; i < n; i += 2) {
            const V c = ALL(pass->factors[i - 2]), s = ALL(pass->factors[i - 1]);
            const V x = IN(i - 1, k, 1), y = IN(i, k, 1);
            const V re = c * x + s * y, im = c * y - s * x;
            a = IN(i - 1, k, 0), b = IN(i, k, 0);
            OUT(i - 1, 0, k, a + re);
            OUT(n - i - 1, 1, k, a - re);
            OUT(i, 0, k, im + b);
            OUT(n - i, 1, k, im - b);
        }
    }
#undef OUT
#undef IN
}

/* Transpose WIDE vectors in place. */
static inline void NAME(turn)(V *rows)
{
    V other[WIDE];
    int step, n;
    for (step = 1; step < WIDE; step *= 2) {
        for (n = 0; n < WIDE / 2; n++) {
            other[2 * n] = LOW(rows[n], rows[n + WIDE / 2]);
            other[2 * n + 1] = HIGH(rows[n], rows[n + WIDE / 2]);
        }
        for (n = 0; n < WIDE; n++)
            rows[n] = other[n];
    }
}

/* Transpose WIDE vectors, one for each column, and write the first `left` columns of each row. */
static inline void NAME(spread)(V *rows, int frames, int left, float *out, ptrdiff_t row)
{
    int j;
    NAME(turn)(rows);
    for (j = 0; j < frames; j++) {
        if (left == WIDE)
            STORE(out + j * row, rows[j]);
        else {
            float last[WIDE];
            STORE(last, rows[j]);
            memcpy(out + j * row, last, left * sizeof(float));
        }
    }
}

/* The power of a bin. Bin b has its real part at 2 b - 1, then its imaginary part; bin 0 is real. */
static inline V NAME(power_at)(const float *packed, int bin)
{
    const V re = LOAD(packed + (size_t)(bin ? 2 * bin - 1 : 0) * WIDE);
    const V im = bin ? LOAD(packed + (size_t)(2 * bin) * WIDE) : ALL(0.0f);
    return re * re + im * im;
}

/* Weighted sums, each from its first bin to its last, fused. room: size * WIDE numbers. */
static void NAME(sum)(const struct transform *one, const float *packed, int frames, float *sums,
                      float *room)
{
    const int columns = one->amplitudes + one->powers;
    float *powers = room, *magnitudes = room + (size_t)one->size / 2 * WIDE;
    int n, i, k, top = 0;
    for (n = 0; n < columns; n++)
        if (one->spans[n].first + one->spans[n].count > top)
            top = one->spans[n].first + one->spans[n].count;
    for (n = 0; n < top; n++) {
        const V power = NAME(power_at)(packed, n);
        STORE(powers + (size_t)n * WIDE, power);
        STORE(magnitudes + (size_t)n * WIDE, SQRT(power));
    }
    for (n = 0; n < columns; n += WIDE) {
        V rows[WIDE];
        const int left = columns - n < WIDE ? columns - n : WIDE;
        for (i = 0; i < WIDE; i++) {
            V sum = ALL(0.0f);
            if (i < left) {
                const struct span *span = one->spans + n + i;
                const float *weights = one->weights + span->weights;
                const float *values = n + i < one->amplitudes ? magnitudes : powers;
                values += (size_t)span->first * WIDE;
                for (k = 0; k < span->count; k++)
                    sum = FMA(LOAD(values + (size_t)k * WIDE), ALL(weights[k]), sum);
            }
            rows[i] = sum;
        }
        NAME(spread)(rows, frames, left, sums + n, columns);
    }
}

/* One pass, from in to out. */
static inline void NAME(passed)(const struct pass *pass, const float *in, float *out)
{
    if (pass->radix == 4)
        NAME(passed4)(pass, in, out);
    else
        NAME(passed2)(pass, in, out);
}

/* The first passes on one part, which transform every parts-th sample of the frame. The numbers stay
   in the nearest cache from pass to pass. */
static void NAME(part)(const struct transform *one, float *from, float *room, float *out)
{
    float *to = room, *other;
    int n;
    for (n = 0; n < one->inner; n++) {
        struct pass pass = one->passes[n];
        pass.groups /= one->parts;
        NAME(passed)(&pass, from, n == one->inner - 1 ? out : to);
        other = from, from = to, to = other;
    }
}

/* Multiply WIDE samples of each frame, from n on, by the window, and store them in their parts. */
static inline void NAME(windowed)(const struct transform *one, const float *samples, int frames,
                                  int n, float *parts)
{
    const V window = LOAD(one->window + n);
    const ptrdiff_t apart = APART(one, WIDE);
    const int last = one->parts - 1, bits = __builtin_ctz(one->parts);
    V rows[WIDE];
    int j;
    for (j = 0; j < WIDE; j++)
        rows[j] = j < frames ? LOAD(samples + (size_t)j * one->hop + n) * window : ALL(0.0f);
    NAME(turn)(rows);
    for (j = 0; j < WIDE; j++)
        STORE(parts + ((n + j) & last) * apart + ((n + j) >> bits) * WIDE, rows[j]);
}

/* room: ROOM(one, WIDE) numbers. frames: at most WIDE. */
static void NAME(frames)(const struct transform *one, const float *samples, int frames,
                         float *magnitudes, float *lowest, float *sums, float *room)
{
    const int size = one->size;
    const ptrdiff_t apart = APART(one, WIDE);
    float *near = room + one->parts * apart, *to = room, *other;
    float *from = near + (size_t)size / one->parts * WIDE;
    int i, j, n;
    for (n = 0; n < size; n += WIDE)
        NAME(windowed)(one, samples, frames, n, room);
    for (n = 0; n < one->parts; n++)
        NAME(part)(one, room + n * apart, near, from + (size_t)size / one->parts * n * WIDE);
    for (n = one->inner; n < one->count; n++) {
        NAME(passed)(one->passes + n, from, to);
        other = from, from = to, to = other;
    }
    for (n = 0; n < one->bins; n += WIDE) {
        V rows[WIDE];
        const int left = one->bins - n < WIDE ? one->bins - n : WIDE;
        for (i = 0; i < WIDE; i++)
            rows[i] = i < left ? (V)SQRT(NAME(power_at)(from, n + i)) : ALL(0.0f);
        NAME(spread)(rows, frames, left, magnitudes + n, one->bins);
    }
    NAME(sum)(one, from, frames, sums, to);
    for (n = 0; n < one->lowest; n++)
        for (j = 0; j < frames; j++) {
            lowest[2 * (j * one->lowest + n)] = from[(size_t)(n ? 2 * n - 1 : 0) * WIDE + j];
            lowest[2 * (j * one->lowest + n) + 1] = n ? from[(size_t)(2 * n) * WIDE + j] : 0.0f;
        }
}
