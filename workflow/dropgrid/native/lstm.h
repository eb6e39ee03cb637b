/* The recurrence of an LSTM with peepholes, for one kind of vector.

   Included once for each kind, with these defined: NAME(x), a name for x in this kind; WIDE, numbers
   in a vector; V, I, their types (float, 32-bit integers); FMA(a, b, c), a * b + c rounded once;
   LEAST(a, b), b unless a is smaller; MOST(a, b), b unless a is larger; ALL(x), x in each lane;
   LOAD(p), STORE(p, v), of any address; KEEP(p, v, n), STORE of at most n lanes.

   The arithmetic and its order are those of features/engines/lstm_kernel.py for LLVM, so the bits are
   the same. No operation combines lanes, so the results do not depend on WIDE. */

#define PARTS (LANES / WIDE)    /* vectors of a gate */
#define AT_ONCE (8 / PARTS ? 8 / PARTS : 1) /* gates: eight sums keep a processor busy */

static inline V NAME(power)(V x) /* exp(x), for x clipped to +-LARGEST */
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

/* 1 / x with a relative error below 2e-7, for positive numbers: a first guess from the exponent,
   refined twice, in half the time of a division. */
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

/* The inputs of all gates at a frame, into gates (GATES, LANES). AT_ONCE gates at a time, so that
   their sums fit into the registers. */
static inline void NAME(gate_sums)(const struct chain *one, const float *state, const float *at,
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

/* Update the state from the gates' inputs: outputs, then cells (2, LANES). */
static inline void NAME(update)(const float *gates, const float *peepholes, float *state)
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

/* One frame: update the state, and write the outputs. */
static inline void NAME(step)(const struct chain *one, ptrdiff_t frame, float *state)
{
    float gates[GATES * LANES] __attribute__((aligned(64)));
    float *out = one->out + frame * one->out_row;
    int n;
    NAME(gate_sums)(one, state, one->projected + frame * one->row, gates);
    NAME(update)(gates, one->constants, state);
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
/* Sums of one direction's gate inputs, computed unit by unit between the steps of the other
   direction's update, in which each step waits for the previous one. This takes .85 of the time of
   running them in turn. Narrower vectors have too few registers for it. */
struct NAME(pending) {
    const float *weights, *output, *end;
    V sums[GATES * PARTS];
};

static inline __attribute__((always_inline)) void NAME(more)(struct NAME(pending) *other)
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
    struct NAME(pending) *other, const struct chain *one, ptrdiff_t frame, const float *state)
{
    const float *at = one->projected + frame * one->row;
    int n;
    other->weights = one->recurrent, other->output = state, other->end = state + one->units;
#pragma GCC unroll 16
    for (n = 0; n < GATES * PARTS; n++)
        other->sums[n] = LOAD(at + n / PARTS * one->units + n % PARTS * WIDE)
            + LOAD(one->constants + 3 * LANES + n * WIDE);
}

/* Add the remaining units, and return the sums. */
static inline __attribute__((always_inline)) void NAME(finished)(
    struct NAME(pending) *other, V *gates)
{
    int n;
    while (other->output < other->end)
        NAME(more)(other);
#pragma GCC unroll 16
    for (n = 0; n < GATES * PARTS; n++)
        gates[n] = other->sums[n];
}

/* `power` of several vectors, with a unit of the other direction between the steps. */
static inline __attribute__((always_inline)) void NAME(powers)(
    V *x, const int count, struct NAME(pending) *other)
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

/* `inverse` in the same way. */
static inline __attribute__((always_inline)) void NAME(inverses)(
    V *x, const int count, struct NAME(pending) *other)
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

/* `update`, while the other direction sums. gates: this direction's inputs, replaced by those of the
   other direction. */
static inline __attribute__((always_inline)) void NAME(update_and_sum)(
    V *gates, const struct chain *one, ptrdiff_t frame, float *state, struct NAME(pending) *other)
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
    NAME(finished)(other, gates);
}

static inline __attribute__((always_inline)) void NAME(alternate)(
    const struct chain *one, const struct chain *two, ptrdiff_t frames, float *first,
    float *second)
{
    struct NAME(pending) other;
    V gates[GATES * PARTS];
    ptrdiff_t frame;
    if (!frames)
        return;
    NAME(begin)(&other, one, 0, first);
    NAME(finished)(&other, gates);
    for (frame = 0; frame < frames; frame++) {
        NAME(begin)(&other, two, frame, second);
        NAME(update_and_sum)(gates, one, frame, first, &other);
        NAME(begin)(&other, one, frame + 1 < frames ? frame + 1 : frame, first);
        NAME(update_and_sum)(gates, two, frame, second, &other);
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

/* Two independent directions: one keeps the processor busy while the other waits for its update. */
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
