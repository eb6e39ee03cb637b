/* The loops of the analysis that NumPy cannot express, or runs several times more slowly.

   Every function gets addresses and counts from its only caller in Python, which checks the shapes.
   No result may depend on the processor: no sum is reordered, a multiplication and an addition are
   fused only by FMA, and the kinds of vectors differ only in how many numbers they process at once. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ffmpeg.h"
#include "paths.h"

#ifdef __FAST_MATH__
#error "the sums must stay as they are written"
#endif

enum { LANES = 32, GATES = 4, COLUMNS = 16, MOST_PASSES = 16, WIDEST = 16,
       MOST_TERMS = 512, MOST_IN_CACHE = 16384, NEAR = 256 };
#define LARGEST 43.0f

/* One direction of a layer; addresses and counts are of float32. */
struct chain {
    const float *projected, *constants, *recurrent;
    float *state, *out;
    ptrdiff_t row, out_row, units;
};

/* out = left times right, or out += left times right if add. right is stored in blocks of COLUMNS
   columns: (blocks, terms, COLUMNS). With stretches, left contains levels, and `rises` computes the
   terms from them. */
struct product {
    const float *left, *right;
    float *out;
    ptrdiff_t rows, terms, blocks, left_row, out_row, add;
    const int64_t *stretches;
    int stretches_count;
};

struct pass {
    int radix, groups, length;
    const float *factors;
};

/* A weighted sum of adjacent bins of a spectrum. */
struct span {
    int32_t first, count, weights;
};

/* The outputs of a transform: the magnitudes of the first bins; the lowest bins as complex numbers;
   weighted sums of magnitudes, then weighted sums of powers. */
struct transform {
    int size, hop, bins, lowest, count, amplitudes, powers;
    int parts, inner; /* parts of a frame, at most NEAR samples each; passes within a part */
    const float *window, *weights;
    const struct span *spans;
    struct pass passes[MOST_PASSES];
};

/* APART: the distance between the parts of a frame, in floats. It is one cache line more than a part,
   so that the parts do not compete for the same cache sets. ROOM: the floats that a transform needs. */
#define APART(one, wide) ((ptrdiff_t)((one)->size / (one)->parts) * (wide) + 16)
#define ROOM(one, wide)                                                                   \
    ((one)->parts * APART(one, wide) + ((ptrdiff_t)(one)->size + (one)->size / (one)->parts) * (wide))

/* Copy each row in stretches of columns, each stretch followed by its positive increase over the row
   `lag` rows before. stretches: (count, 2), the number of columns and the lag. */
static inline void rises(const float *levels, float *out, ptrdiff_t rows, ptrdiff_t columns,
                         const int64_t *stretches, int count)
{
    ptrdiff_t row, at, k;
    int n;
    for (row = 0; row < rows; row++, levels += columns)
        for (n = 0, at = 0; n < count; n++) {
            const ptrdiff_t width = stretches[2 * n];
            const float *restrict now = levels + at;
            const float *restrict before = now - stretches[2 * n + 1] * columns;
            float *restrict rise = out + width;
            for (k = 0; k < width; k++) {
                const float more = now[k] - before[k];
                out[k] = now[k];
                rise[k] = more > 0 ? more : 0;
            }
            at += width, out += 2 * width;
        }
}

#define NUMBERS(address) ((const float *)(uintptr_t)(address))
#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})
#endif

#define LOAD(p) ((V)(*(const NAME(loose) *)(p)))
#define STORE(p, v) (*(NAME(loose) *)(p) = (v))
#define V NAME(floats)
#define I NAME(whole)
#define KIND(wide)                                                                        \
    typedef float V __attribute__((vector_size(4 * wide)));                               \
    typedef int32_t I __attribute__((vector_size(4 * wide)));                             \
    typedef float NAME(loose) __attribute__((vector_size(4 * wide), aligned(4), may_alias));

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define X86 1

#define NAME(x) JOIN(x, _avx512)
#define WIDE 16
#define ROWS 12
#define BLOCKS 2
#define FMA(a, b, c) ((V)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define LEAST(a, b) ((V)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define MOST(a, b) ((V)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define ALL(x) ((V)_mm512_set1_ps(x))
#define SQRT(v) ((V)_mm512_sqrt_ps((__m512)(v)))
#define KEEP(p, v, n)                                                                     \
    _mm512_mask_storeu_ps(p, (n) < 16 ? (n) > 0 ? (1u << (n)) - 1 : 0 : 0xFFFF, (__m512)(v))
#define LOW(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define EVEN(a, b) SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(a, b) SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif
KIND(16)
#include "lstm.h"
#include "product.h"
#include "transform.h"
#include "samples.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#include "undo.h"

#define NAME(x) JOIN(x, _avx2)
#define WIDE 8
#define ROWS 6
#define BLOCKS 1
#define FMA(a, b, c) ((V)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define LEAST(a, b) ((V)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define MOST(a, b) ((V)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define ALL(x) ((V)_mm256_set1_ps(x))
#define SQRT(v) ((V)_mm256_sqrt_ps((__m256)(v)))
#define KEEP(p, v, n)                                                                     \
    _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)),                \
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)), (__m256)(v))
#define LOW(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define EVEN(a, b) SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(a, b) SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
KIND(8)
#include "lstm.h"
#include "product.h"
#include "transform.h"
#include "samples.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#include "undo.h"
#endif

/* For every processor: vectors of four; without an instruction for FMA, one lane at a time. */
#define NAME(x) JOIN(x, _plain)
#define WIDE 4
#define ROWS 2
#define BLOCKS 1
KIND(4)
#if defined(__aarch64__)
#include <arm_neon.h>
#define FMA(a, b, c) ((V)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#else
static inline V fused(V a, V b, V c)
{
    return (V){fmaf(a[0], b[0], c[0]), fmaf(a[1], b[1], c[1]), fmaf(a[2], b[2], c[2]),
               fmaf(a[3], b[3], c[3])};
}
#define FMA(a, b, c) fused(a, b, c)
#endif
static inline V chosen(I which, V yes, V no)
{
    return (V)(((I)yes & which) | ((I)no & ~which));
}
static inline void kept(float *out, V values, ptrdiff_t most)
{
    int n;
    for (n = 0; n < WIDE && n < most; n++)
        out[n] = values[n];
}
#define KEEP(p, v, n) kept(p, v, n)
#define LEAST(a, b) chosen((I)((a) < (b)), a, b)
#define MOST(a, b) chosen((I)((a) > (b)), a, b)
#define ALL(x) ((V){x, x, x, x})
#define SQRT(v) ((V){sqrtf((v)[0]), sqrtf((v)[1]), sqrtf((v)[2]), sqrtf((v)[3])})
#define LOW(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define HIGH(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define EVEN(a, b) SHUFFLE(a, b, 0, 2, 4, 6)
#define ODD(a, b) SHUFFLE(a, b, 1, 3, 5, 7)
#include "lstm.h"
#include "product.h"
#include "transform.h"
#include "samples.h"
#include "undo.h"

/* The kinds of vectors, widest first, and whether this processor supports them. */
static const struct kind {
    const char *name;
    int wide;
    void (*run)(const struct chain *, ptrdiff_t);
    void (*run_both)(const struct chain *, const struct chain *, ptrdiff_t);
    void (*frames)(const struct transform *, const float *, int, float *, float *, float *,
                   float *);
    void (*multiply)(const struct product *);
    void (*mix)(const float *, ptrdiff_t, ptrdiff_t, float *);
    int32_t (*largest)(const int32_t *, ptrdiff_t);
    int (*pack)(const float *, ptrdiff_t, int16_t *);
} KINDS[] = {
#ifdef X86
    {"avx512", 16, run_avx512, run_both_avx512, frames_avx512, multiply_avx512,
     mix_avx512, largest_avx512, pack_avx512},
    {"avx2", 8, run_avx2, run_both_avx2, frames_avx2, multiply_avx2,
     mix_avx2, largest_avx2, pack_avx2},
#endif
    {"plain", 4, run_plain, run_both_plain, frames_plain, multiply_plain,
     mix_plain, largest_plain, pack_plain},
};
enum { KINDS_COUNT = sizeof KINDS / sizeof *KINDS };
static const struct kind *used = KINDS + KINDS_COUNT - 1;

static int has(const struct kind *kind)
{
#ifdef X86
    __builtin_cpu_init();
    if (kind->wide == 16)
        return __builtin_cpu_supports("avx512f");
    if (kind->wide == 8)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return 1;
}

static PyObject *kinds(PyObject *self, PyObject *none)
{
    PyObject *names = PyList_New(0), *name;
    int n;
    for (n = 0; names && n < KINDS_COUNT; n++)
        if (has(KINDS + n)) {
            name = PyUnicode_FromString(KINDS[n].name);
            if (!name || PyList_Append(names, name) < 0)
                Py_CLEAR(names);
            Py_XDECREF(name);
        }
    return names;
}

static PyObject *use(PyObject *self, PyObject *arguments)
{
    const char *name;
    int n;
    if (!PyArg_ParseTuple(arguments, "s", &name))
        return NULL;
    for (n = 0; n < KINDS_COUNT; n++)
        if (!strcmp(name, KINDS[n].name) && has(KINDS + n)) {
            used = KINDS + n;
            Py_RETURN_NONE;
        }
    return PyErr_Format(PyExc_ValueError, "this processor has no %s", name);
}

/* chains: for each of one or two chains, the fields of struct chain without `units`, then the number
   of frames. */
static PyObject *lstm(PyObject *self, PyObject *arguments)
{
    unsigned long long chains_;
    Py_ssize_t units;
    int count;
    if (!PyArg_ParseTuple(arguments, "Kin", &chains_, &count, &units))
        return NULL;
    if (units < 1 || units > LANES)
        return PyErr_Format(PyExc_ValueError, "a layer of %zd units", units);
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_ValueError, "%d chains at once", count);
    Py_BEGIN_ALLOW_THREADS
    {
        const int64_t(*numbers)[8] = (const int64_t(*)[8])(uintptr_t)chains_;
        struct chain chains[2];
        ptrdiff_t frames[2] = {0, 0}, both = 0;
        int n;
        for (n = 0; n < count; n++) {
            const int64_t *one = numbers[n];
            chains[n] = (struct chain){NUMBERS(one[0]), NUMBERS(one[1]), NUMBERS(one[2]),
                                       (float *)(uintptr_t)one[3], (float *)(uintptr_t)one[4],
                                       (ptrdiff_t)one[5], (ptrdiff_t)one[6], units};
            frames[n] = (ptrdiff_t)one[7];
        }
        if (count == 2) {
            both = frames[0] < frames[1] ? frames[0] : frames[1];
            used->run_both(chains, chains + 1, both);
        }
        for (n = 0; n < count; n++)
            if (frames[n] > both) {
                chains[n].projected += both * chains[n].row;
                chains[n].out += both * chains[n].out_row;
                used->run(chains + n, frames[n] - both);
            }
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *multiply(PyObject *self, PyObject *arguments)
{
    unsigned long long left, right, out, stretches;
    Py_ssize_t rows, terms, blocks, left_row, out_row, add;
    int count;
    if (!PyArg_ParseTuple(arguments, "KKKnnnnnnKi", &left, &right, &out, &rows, &terms, &blocks,
                          &left_row, &out_row, &add, &stretches, &count))
        return NULL;
    if (count && terms > MOST_TERMS)
        return PyErr_Format(PyExc_ValueError, "%zd terms", terms);
    Py_BEGIN_ALLOW_THREADS
    {
        const struct product one = {NUMBERS(left), NUMBERS(right), (float *)(uintptr_t)out,
                                    rows, terms, blocks, left_row, out_row, add,
                                    (const int64_t *)(uintptr_t)(count ? stretches : 0), count};
        used->multiply(&one);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* Plan the passes for a size, a power of two, and the addresses of their factors: those of the first
   pass first; the last pass has none. Return 0 for another size. */
static int planned(struct transform *one, const float *factors)
{
    int radix[MOST_PASSES], count = 0, left = one->size, n, groups, done = 1;
    for (; left % 4 == 0 && count < MOST_PASSES; left /= 4)
        radix[count++] = 4;
    if (left == 2 && count && count < MOST_PASSES) {
        radix[count++] = radix[0];
        radix[0] = 2;
        left = 1;
    }
    if (left != 1)
        return 0;
    one->count = count;
    one->parts = 1, one->inner = count;
    for (n = 0; n < count; n++) {
        struct pass *pass = one->passes + (count - 1 - n);
        groups = done, done *= radix[n];
        pass->radix = radix[n], pass->groups = groups, pass->length = one->size / done;
        pass->factors = factors;
        factors += (radix[n] - 1) * (pass->length - 1);
        if (one->size / groups > NEAR)
            one->parts = done, one->inner = count - 1 - n;
    }
    return 1;
}

static PyObject *transform(PyObject *self, PyObject *arguments)
{
    unsigned long long samples, window, factors, magnitudes, lowest, spans, weights, sums;
    struct transform one;
    const struct kind *kind = used;
    int count, n, given;
    float *room;
    if (!PyArg_ParseTuple(arguments, "KiiiKKKiKiKKiiK", &samples, &count, &one.size, &one.hop,
                          &window, &factors, &magnitudes, &one.bins, &lowest, &one.lowest, &spans,
                          &weights, &one.amplitudes, &one.powers, &sums))
        return NULL;
    one.window = NUMBERS(window);
    one.weights = NUMBERS(weights);
    one.spans = (const struct span *)(uintptr_t)spans;
    if (one.size < WIDEST || !planned(&one, NUMBERS(factors))
        || one.bins > one.size / 2 || one.lowest > one.size / 2)
        return PyErr_Format(PyExc_ValueError, "no transform of %d", one.size);
    if (one.size > MOST_IN_CACHE && kind->wide > 8)
        kind++;
    room = malloc(sizeof(float) * ROOM(&one, kind->wide) + 64);
    if (!room)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    for (n = 0; n < count; n += kind->wide) {
        given = count - n < kind->wide ? count - n : kind->wide;
        kind->frames(&one, NUMBERS(samples) + (size_t)n * one.hop, given,
                     (float *)(uintptr_t)magnitudes + (size_t)n * one.bins,
                     (float *)(uintptr_t)lowest + (size_t)n * one.lowest * 2,
                     (float *)(uintptr_t)sums + (size_t)n * (one.amplitudes + one.powers),
                     (float *)(((uintptr_t)room + 63) & ~(uintptr_t)63));
    }
    Py_END_ALLOW_THREADS
    free(room);
    Py_RETURN_NONE;
}

/* Filter two channels with two second-order sections, and sum their squares between edges.
   step: distance from one sample of a channel to the next; first, second: offsets of the channels.

   state: (2 sections, 2 numbers, 2 channels); sums: (pieces, 2). */
static PyObject *weigh(PyObject *self, PyObject *arguments)
{
    typedef double pair __attribute__((vector_size(16)));
    unsigned long long block_, sections_, state_, edges_, sums_;
    Py_ssize_t rows, pieces, n, piece, step, first, second;
    if (!PyArg_ParseTuple(arguments, "KnnnnKKKnK", &block_, &rows, &step, &first, &second,
                          &sections_, &state_, &edges_, &pieces, &sums_))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    {
        const float *block = NUMBERS(block_);
        const double *s = (const double *)(uintptr_t)sections_;
        const int64_t *edges = (const int64_t *)(uintptr_t)edges_;
        double *state = (double *)(uintptr_t)state_, *sums = (double *)(uintptr_t)sums_;
        pair z[4];
        memcpy(z, state, sizeof z);
        for (n = 0, piece = 0; piece < pieces; piece++) {
            const Py_ssize_t end = piece + 1 < pieces ? edges[piece + 1] : rows;
            pair sum = {0, 0};
            for (; n < end; n++) {
                const pair x = {block[n * step + first], block[n * step + second]};
                const pair y = s[0] * x + z[0];
                pair w;
                z[0] = s[1] * x - s[4] * y + z[1];
                z[1] = s[2] * x - s[5] * y;
                w = s[6] * y + z[2];
                z[2] = s[7] * y - s[10] * w + z[3];
                z[3] = s[8] * y - s[11] * w;
                sum += w * w;
            }
            memcpy(sums + 2 * piece, &sum, sizeof sum);
        }
        memcpy(state, z, sizeof z);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* block: two channels, interleaved, or one after the other if apart is not 0 (the distance between
   them). out: two channels, one after the other. */
static PyObject *mix(PyObject *self, PyObject *arguments)
{
    unsigned long long block, out;
    Py_ssize_t rows, apart;
    if (!PyArg_ParseTuple(arguments, "KnnK", &block, &rows, &apart, &out))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    used->mix(NUMBERS(block), rows, apart, (float *)(uintptr_t)out);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* The largest magnitude; infinite if a sample is not a number. */
static PyObject *largest(PyObject *self, PyObject *arguments)
{
    unsigned long long samples;
    Py_ssize_t count;
    int32_t bits;
    float found;
    if (!PyArg_ParseTuple(arguments, "Kn", &samples, &count))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    bits = used->largest((const int32_t *)(uintptr_t)samples, count);
    Py_END_ALLOW_THREADS
    memcpy(&found, &bits, sizeof found);
    return PyFloat_FromDouble(bits < 0x7F800000 ? found : HUGE_VAL);
}

/* Convert samples to 16-bit integers in out; return whether this was exact. */
static PyObject *pack(PyObject *self, PyObject *arguments)
{
    unsigned long long samples, out;
    Py_ssize_t count;
    int whole;
    if (!PyArg_ParseTuple(arguments, "KnK", &samples, &count, &out))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    whole = used->pack(NUMBERS(samples), count, (int16_t *)(uintptr_t)out);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(whole);
}

/* The address of an array's data. */
static PyObject *address(PyObject *self, PyObject *array)
{
    Py_buffer view;
    unsigned long long place;
    if (PyObject_GetBuffer(array, &view, PyBUF_STRIDES) < 0)
        return NULL;
    place = (uintptr_t)view.buf;
    PyBuffer_Release(&view);
    return PyLong_FromUnsignedLongLong(place);
}

static PyMethodDef METHODS[] = {
    {"address", address, METH_O, NULL},
    {"kinds", kinds, METH_NOARGS, NULL},
    {"use", use, METH_VARARGS, NULL},
    {"lstm", lstm, METH_VARARGS, NULL},
    {"transform", transform, METH_VARARGS, NULL},
    {"weigh", weigh, METH_VARARGS, NULL},
    {"multiply", multiply, METH_VARARGS, NULL},
    {"mix", mix, METH_VARARGS, NULL},
    {"largest", largest, METH_VARARGS, NULL},
    {"pack", pack, METH_VARARGS, NULL},
    {"nearest", paths_nearest, METH_VARARGS, NULL},
    {"way", paths_way, METH_VARARGS, NULL},
    {"ffmpeg_functions", ffmpeg_functions, METH_NOARGS, NULL},
    {"ffmpeg_open", ffmpeg_open, METH_VARARGS, NULL},
    {"ffmpeg_read", ffmpeg_read, METH_VARARGS, NULL},
    {"ffmpeg_lengths", ffmpeg_lengths, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "kernels", NULL, -1, METHODS,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_kernels(void)
{
    PyObject *module = PyModule_Create(&MODULE);
    int n;
    if (module && PyModule_AddStringConstant(module, "SOURCE", SOURCE) < 0)
        Py_CLEAR(module);
    for (n = KINDS_COUNT - 1; n >= 0; n--)
        if (has(KINDS + n))
            used = KINDS + n;
    return module;
}
