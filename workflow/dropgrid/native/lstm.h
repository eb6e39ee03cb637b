/* The recurrence of an LSTM with peepholes, for one kind of vector.

   Included once for each kind, with these defined: NAME(x), a name of its own for x; WIDE, numbers
   in a vector; V, I, their types (float, 32-bit integers); FMA(a, b, c), a * b + c rounded once;
   LEAST(a, b), b unless a is smaller; MOST(a, b), b unless a is larger; ALL(x), x in each lane;
   LOAD(p), STORE(p, v), of any address; KEEP(p, v, n), STORE of at most n lanes.

   The same arithmetic in the same order as features/engines/lstm_kernel.py writes for LLVM: the
   same bits. Lanes never meet, so that they do not depend on how many go together. */

#define PARTS (LANES / WIDE)    /* vectors of a gate */
#define AT_ONCE (8 / PARTS ? 8 / PARTS : 1) /* gates: eight sums keep a processor busy */

static inline V NAME(power)(V x) /* exp(x), for x cut to +-LARGEST */
{
    const V rounder = ALL(1.5f * 8388608.0f);
    V shifted, multiple, rest, result;
    x = LEAST(ALL(LARGEST), x);
    x = MOST(ALL(-LARGEST), x);
    shifted = FMA(x, ALL((float)(1 / 0.69314718055994530942)), rounder);
    multiple = shifted - rounder;
    rest = FMA(multiple, ALL(-0.693359375f), x);
    rest = FMA(multiple, ALL((float)(0.693359375 - 0.69314718055994530942)), rest);
    result = ALL((float)(1.0 / 720));
    result = FMA(result, rest, ALL((float)(1.0 / 120)));
    result = FMA(result, rest, ALL((float)(1.0 / 24)));
    result = FMA(result, rest, ALL((float)(1.0 / 6)));
    result = FMA(result, rest, ALL(0.5f));
    result = FMA(result, rest, ALL(1.0f));
    result = FMA(result, rest, ALL(1.0f));
    return (V)((I)result + ((I)shifted << 23));
}

/* 1 / x within 2e-7 of itself, for positive numbers: a first guess by its exponent, made better
   twice, in half the time of a division. */
static inline V NAME(inverse)(V x)
{
    const V minus = -x, one = ALL(1.0f);
    V guess = (V)(0x7EF311C3 - (I)x), error;
    error = FMA(minus, guess, one);
    guess = FMA(guess, FMA(error, error, error), guess);
    error = FMA(minus, guess, one);
    return FMA(guess, FMA(error, error, error), guess);
}

static inline V NAME(sigmoid)(V x)
{
    return NAME(inverse)(ALL(1.0f) + NAME(power)(-x));
}

/* sigmoid(x) * tanh(y), with one division: (1 - q) / ((1 + p) (1 + q)). */
static inline V NAME(gated)(V x, V y)
{
    const V one = ALL(1.0f), p = NAME(power)(-x), q = NAME(power)(ALL(-2.0f) * y);
    return (one - q) * NAME(inverse)((one + p) * (one + q));
}

/* What the units hear at a frame, into gates (GATES, LANES). As many gates at a time as leave room
   for their sums among the registers. */
static inline void NAME(hear)(const struct chain *one, const float *state, const float *at,
                              float *gates)
{
    const ptrdiff_t units = one->units;
    int gate, part;
    for (gate = 0; gate < GATES; gate += AT_ONCE) {
        const float *weights = one->recurrent + gate * LANES, *output = state;
        V sums[AT_ONCE * PARTS];
        for (part = 0; part < AT_ONCE * PARTS; part++)
            sums[part] = LOAD(at + (gate + part / PARTS) * units + part % PARTS * WIDE)
                + LOAD(one->constants + (3 + gate) * LANES + part * WIDE);
        for (; output < state + units; output++, weights += GATES * LANES) {
            const V all = ALL(*output);
            for (part = 0; part < AT_ONCE * PARTS; part++)
                sums[part] = FMA(all, LOAD(weights + part * WIDE), sums[part]);
        }
        for (part = 0; part < AT_ONCE * PARTS; part++)
            STORE(gates + gate * LANES + part * WIDE, sums[part]);
    }
}

/* What they send: state is their outputs, then their cells (2, LANES). */
static inline void NAME(send)(const float *gates, const float *peepholes, float *state)
{
    int n;
    for (n = 0; n < LANES; n += WIDE) {
        V cell = LOAD(state + LANES + n), next, entering, kept, leaving;
        entering = FMA(LOAD(peepholes + n), cell, LOAD(gates + n));
        entering = NAME(gated)(entering, LOAD(gates + 3 * LANES + n));
        kept = FMA(LOAD(peepholes + 2 * LANES + n), cell, LOAD(gates + 2 * LANES + n));
        next = FMA(NAME(sigmoid)(kept), cell, entering);
        leaving = FMA(LOAD(peepholes + LANES + n), next, LOAD(gates + LANES + n));
        STORE(state + n, NAME(gated)(leaving, next));
        STORE(state + LANES + n, next);
    }
}

/* A frame: from the units' state, their outputs and then their cells, to the next. */
static inline void NAME(step)(const struct chain *one, ptrdiff_t frame, float *state)
{
    float gates[GATES * LANES] __attribute__((aligned(64)));
    float *out = one->out + frame * one->out_row;
    int n;
    NAME(hear)(one, state, one->projected + frame * one->row, gates);
    NAME(send)(gates, one->constants, state);
    for (n = 0; n < LANES; n += WIDE)
        KEEP(out + n, LOAD(state + n), one->units - n);
}

static void NAME(run)(const struct chain *one, ptrdiff_t frames)
{
    float state[2 * LANES] __attribute__((aligned(64)));
    const struct chain here = *one;
    ptrdiff_t frame;
    memcpy(state, one->state, sizeof state);
    for (frame = 0; frame < frames; frame++)
        NAME(step)(&here, frame, state);
    memcpy(one->state, state, sizeof state);
}

#if WIDE == 16
/* What one direction hears, unit by unit, between the steps of what another one sends, each of
   which waits for the last: .85 of the time. Narrower vectors have too few registers for it. */
struct NAME(hearing) {
    const float *weights, *output, *end;
    V sums[GATES * PARTS];
};

static inline __attribute__((always_inline)) void NAME(more)(struct NAME(hearing) *other)
{
    int n;
    if (other->output < other->end) {
        const V all = ALL(*other->output++);
#pragma GCC unroll 16
        for (n = 0; n < GATES * PARTS; n++)
            other->sums[n] = FMA(all, LOAD(other->weights + n * WIDE), other->sums[n]);
        other->weights += GATES * LANES;
    }
}

static inline __attribute__((always_inline)) void NAME(begin)(
    struct NAME(hearing) *other, const struct chain *one, ptrdiff_t frame, const float *state)
{
    const float *at = one->projected + frame * one->row;
    int n;
    other->weights = one->recurrent, other->output = state, other->end = state + one->units;
#pragma GCC unroll 16
    for (n = 0; n < GATES * PARTS; n++)
        other->sums[n] = LOAD(at + n / PARTS * one->units + n % PARTS * WIDE)
            + LOAD(one->constants + 3 * LANES + n * WIDE);
}

/* The rest of the units, and what came of all. */
static inline __attribute__((always_inline)) void NAME(heard)(
    struct NAME(hearing) *other, V *gates)
{
    int n;
    while (other->output < other->end)
        NAME(more)(other);
#pragma GCC unroll 16
    for (n = 0; n < GATES * PARTS; n++)
        gates[n] = other->sums[n];
}

/* `power` of several vectors step by step, a unit of the other direction between steps. */
static inline __attribute__((always_inline)) void NAME(powers)(
    V *x, const int count, struct NAME(hearing) *other)
{
    const V rounder = ALL(1.5f * 8388608.0f);
    const float terms[] = {(float)(1.0 / 120), (float)(1.0 / 24), (float)(1.0 / 6), 0.5f, 1, 1};
    V shifted[3 * PARTS], result[3 * PARTS];
    int n, k;
#pragma GCC unroll 16
    for (n = 0; n < count; n++) {
        x[n] = MOST(ALL(-LARGEST), LEAST(ALL(LARGEST), x[n]));
        shifted[n] = FMA(x[n], ALL((float)(1 / 0.69314718055994530942)), rounder);
    }
    NAME(more)(other);
#pragma GCC unroll 16
    for (n = 0; n < count; n++) {
        const V multiple = shifted[n] - rounder;
        x[n] = FMA(multiple, ALL(-0.693359375f), x[n]);
        x[n] = FMA(multiple, ALL((float)(0.693359375 - 0.69314718055994530942)), x[n]);
        result[n] = ALL((float)(1.0 / 720));
    }
    NAME(more)(other);
#pragma GCC unroll 16
    for (k = 0; k < 6; k++) {
#pragma GCC unroll 16
        for (n = 0; n < count; n++)
            result[n] = FMA(result[n], x[n], ALL(terms[k]));
        NAME(more)(other);
    }
#pragma GCC unroll 16
    for (n = 0; n < count; n++)
        x[n] = (V)((I)result[n] + ((I)shifted[n] << 23));
}

/* `inverse` likewise. */
static inline __attribute__((always_inline)) void NAME(inverses)(
    V *x, const int count, struct NAME(hearing) *other)
{
    V guess[2 * PARTS], error[2 * PARTS];
    int n, k;
#pragma GCC unroll 16
    for (n = 0; n < count; n++)
        guess[n] = (V)(0x7EF311C3 - (I)x[n]);
#pragma GCC unroll 16
    for (k = 0; k < 2; k++) {
#pragma GCC unroll 16
        for (n = 0; n < count; n++)
            error[n] = FMA(-x[n], guess[n], ALL(1.0f));
        NAME(more)(other);
#pragma GCC unroll 16
        for (n = 0; n < count; n++)
            guess[n] = FMA(guess[n], FMA(error[n], error[n], error[n]), guess[n]);
        NAME(more)(other);
    }
#pragma GCC unroll 16
    for (n = 0; n < count; n++)
        x[n] = guess[n];
}

/* `send`, and the other direction hears. gates: what is sent of, and then what the other heard. */
static inline __attribute__((always_inline)) void NAME(send_and_hear)(
    V *gates, const struct chain *one, ptrdiff_t frame, float *state, struct NAME(hearing) *other)
{
    const float *peepholes = one->constants;
    float *out = one->out + frame * one->out_row;
    const V unit = ALL(1.0f);
    V cell[PARTS], next[PARTS], x[3 * PARTS], y[2 * PARTS];
    int n;
#pragma GCC unroll 16
    for (n = 0; n < PARTS; n++) {
        cell[n] = LOAD(state + LANES + n * WIDE);
        x[n] = -FMA(LOAD(peepholes + n * WIDE), cell[n], gates[n]);
        x[PARTS + n] = ALL(-2.0f) * gates[3 * PARTS + n];
        x[2 * PARTS + n] =
            -FMA(LOAD(peepholes + 2 * LANES + n * WIDE), cell[n], gates[2 * PARTS + n]);
    }
    NAME(powers)(x, 3 * PARTS, other);
#pragma GCC unroll 16
    for (n = 0; n < PARTS; n++) {
        y[n] = (unit + x[n]) * (unit + x[PARTS + n]);
        y[PARTS + n] = unit + x[2 * PARTS + n];
    }
    NAME(inverses)(y, 2 * PARTS, other);
#pragma GCC unroll 16
    for (n = 0; n < PARTS; n++) {
        const V entering = (unit - x[PARTS + n]) * y[n];
        next[n] = FMA(y[PARTS + n], cell[n], entering);
        y[n] = -FMA(LOAD(peepholes + LANES + n * WIDE), next[n], gates[PARTS + n]);
        y[PARTS + n] = ALL(-2.0f) * next[n];
    }
    NAME(powers)(y, 2 * PARTS, other);
#pragma GCC unroll 16
    for (n = 0; n < PARTS; n++)
        x[n] = (unit + y[n]) * (unit + y[PARTS + n]);
    NAME(inverses)(x, PARTS, other);
#pragma GCC unroll 16
    for (n = 0; n < PARTS; n++) {
        const V sent = (unit - y[PARTS + n]) * x[n];
        STORE(state + n * WIDE, sent);
        STORE(state + LANES + n * WIDE, next[n]);
        KEEP(out + n * WIDE, sent, one->units - n * WIDE);
    }
    NAME(heard)(other, gates);
}

static inline __attribute__((always_inline)) void NAME(alternate)(
    const struct chain *one, const struct chain *two, ptrdiff_t frames, float *first,
    float *second)
{
    struct NAME(hearing) other;
    V gates[GATES * PARTS];
    ptrdiff_t frame;
    if (!frames)
        return;
    NAME(begin)(&other, one, 0, first);
    NAME(heard)(&other, gates);
    for (frame = 0; frame < frames; frame++) {
        NAME(begin)(&other, two, frame, second);
        NAME(send_and_hear)(gates, one, frame, first, &other);
        NAME(begin)(&other, one, frame + 1 < frames ? frame + 1 : frame, first);
        NAME(send_and_hear)(gates, two, frame, second, &other);
    }
}
#else
static inline void NAME(alternate)(const struct chain *one, const struct chain *two,
                                   ptrdiff_t frames, float *first, float *second)
{
    ptrdiff_t frame;
    for (frame = 0; frame < frames; frame++) {
        NAME(step)(one, frame, first);
        NAME(step)(two, frame, second);
    }
}
#endif

/* Two that know nothing of each other: one keeps the processor busy while the other waits for what
   it sends. */
static void NAME(run_both)(const struct chain *one, const struct chain *two, ptrdiff_t frames)
{
    float state[2][2 * LANES] __attribute__((aligned(64)));
    const struct chain here = *one, there = *two;
    memcpy(state[0], one->state, sizeof state[0]);
    memcpy(state[1], two->state, sizeof state[1]);
    NAME(alternate)(&here, &there, frames, state[0], state[1]);
    memcpy(one->state, state[0], sizeof state[0]);
    memcpy(two->state, state[1], sizeof state[1]);
}

#undef PARTS
#undef AT_ONCE
