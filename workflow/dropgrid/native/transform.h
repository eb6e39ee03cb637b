/* Fourier transforms of real frames, one frame in each lane of a vector, and their magnitudes.

   Included once for each kind of vector, see lstm.h; besides: SQRT(v); LOW(a, b) and HIGH(a, b), the
   lanes of the first and of the second halves of a and b in turn.

   Source: P. Swarztrauber's FFTPACK (public domain), whose passes and order of sums these are, and
   so those of pocketfft: each number is the same as scipy's. */

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

/* The lanes of WIDE vectors become vectors: rows, columns. */
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

/* room: 2 * size * WIDE numbers. frames: at most WIDE. */
static void NAME(frames)(const struct transform *one, const float *samples, int frames,
                         float *magnitudes, float *lowest, float *room)
{
    const int size = one->size;
    float *from = room, *to = room + (size_t)size * WIDE, *other;
    int i, j, n;
    for (n = 0; n < size; n += WIDE) {
        const V window = LOAD(one->window + n);
        V rows[WIDE];
        for (j = 0; j < WIDE; j++)
            rows[j] = j < frames ? LOAD(samples + (size_t)j * one->hop + n) * window : ALL(0.0f);
        NAME(turn)(rows);
        for (j = 0; j < WIDE; j++)
            STORE(from + (size_t)(n + j) * WIDE, rows[j]);
    }
    for (n = 0; n < one->count; n++) {
        if (one->passes[n].radix == 4)
            NAME(passed4)(one->passes + n, from, to);
        else
            NAME(passed2)(one->passes + n, from, to);
        other = from, from = to, to = other;
    }
    /* The real part of bin b lies at 2 b - 1, the imaginary one behind it; bin 0 is real. */
    for (n = 0; n < one->bins; n += WIDE) {
        V rows[WIDE];
        const int left = one->bins - n < WIDE ? one->bins - n : WIDE;
        for (i = 0; i < WIDE; i++) {
            const int bin = n + i;
            if (i >= left)
                rows[i] = ALL(0.0f);
            else {
                const V re = LOAD(from + (size_t)(bin ? 2 * bin - 1 : 0) * WIDE);
                const V im = bin ? LOAD(from + (size_t)(2 * bin) * WIDE) : ALL(0.0f);
                rows[i] = SQRT(re * re + im * im);
            }
        }
        NAME(turn)(rows);
        for (j = 0; j < frames; j++) {
            float *place = magnitudes + (size_t)j * one->bins + n;
            if (left == WIDE)
                STORE(place, rows[j]);
            else {
                float last[WIDE];
                STORE(last, rows[j]);
                memcpy(place, last, left * sizeof(float));
            }
        }
    }
    for (n = 0; n < one->lowest; n++)
        for (j = 0; j < frames; j++) {
            lowest[2 * (j * one->lowest + n)] = from[(size_t)(n ? 2 * n - 1 : 0) * WIDE + j];
            lowest[2 * (j * one->lowest + n) + 1] = n ? from[(size_t)(2 * n) * WIDE + j] : 0.0f;
        }
}
