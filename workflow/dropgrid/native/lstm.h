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

/* Two that know nothing of each other: one keeps the processor busy while the other waits for what
   it sends. */
static void NAME(run_both)(const struct chain *one, const struct chain *two, ptrdiff_t frames)
{
    float state[2][2 * LANES] __attribute__((aligned(64)));
    const struct chain here = *one, there = *two;
    ptrdiff_t frame;
    memcpy(state[0], one->state, sizeof state[0]);
    memcpy(state[1], two->state, sizeof state[1]);
    for (frame = 0; frame < frames; frame++) {
        NAME(step)(&here, frame, state[0]);
        NAME(step)(&there, frame, state[1]);
    }
    memcpy(one->state, state[0], sizeof state[0]);
    memcpy(two->state, state[1], sizeof state[1]);
}

#undef PARTS
#undef AT_ONCE
