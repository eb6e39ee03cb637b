/* Steps of the rhythm's most likely paths, in which each row depends on the previous one. The
   comparisons and sums are those of rhythm/bar_pointer.py and rhythm/downbeat_tracking.py. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "paths.h"

enum { MOST_TEMPI = 256, MOST_PLACES = 127 };
#define DOUBLES(address) ((const double *)(uintptr_t)(address))

/* ended, best (rows, tempi), places (tempi,) double, came (rows, tempi) uint8. For each place: the
   best value of a row minus its distance, and the index of that value; among equal values, the
   nearest one on the left. */
PyObject *paths_nearest(PyObject *self, PyObject *arguments)
{
    unsigned long long ended_, places_, best_, came_;
    Py_ssize_t rows, tempi, row, n;
    if (!PyArg_ParseTuple(arguments, "KKnnKK", &ended_, &places_, &rows, &tempi, &best_, &came_))
        return NULL;
    if (tempi < 1 || tempi > MOST_TEMPI)
        return PyErr_Format(PyExc_ValueError, "%zd tempi", tempi);
    Py_BEGIN_ALLOW_THREADS
    for (row = 0; row < rows; row++) {
        const double *ended = DOUBLES(ended_) + row * tempi, *places = DOUBLES(places_);
        double *best = (double *)(uintptr_t)best_ + row * tempi, most = -HUGE_VAL;
        uint8_t *came = (uint8_t *)(uintptr_t)came_ + row * tempi, from = 0;
        for (n = 0; n < tempi; n++) {
            const double here = ended[n] + places[n];
            if (here >= most)
                most = here, from = (uint8_t)n;
            best[n] = most - places[n], came[n] = from;
        }
        most = -HUGE_VAL, from = (uint8_t)(tempi - 1);
        for (n = tempi - 1; n >= 0; n--) {
            const double here = ended[n] - places[n];
            if (here >= most)
                most = here, from = (uint8_t)n;
            if (!(best[n] >= most + places[n]))
                best[n] = most + places[n], came[n] = from;
        }
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* The first of the best places, among the even or the odd ones (`first`). */
static int best_of(const double *best, int places, int first)
{
    int top = first, n;
    for (n = first + 2; n < places; n += 2)
        if (best[n] > best[top])
            top = n;
    return top;
}

/* score (count, places), costs (count, 2) double; out: way (count,) int64, the best place at each. */
PyObject *paths_way(PyObject *self, PyObject *arguments)
{
    unsigned long long score_, costs_, way_;
    Py_ssize_t count, n;
    int places, own, last;
    int8_t *came;
    if (!PyArg_ParseTuple(arguments, "KKniK", &score_, &costs_, &count, &places, &way_))
        return NULL;
    if (count < 1 || places < 2 || places > MOST_PLACES)
        return PyErr_Format(PyExc_ValueError, "%zd half beats, %d places", count, places);
    came = malloc((size_t)count * places);
    if (!came)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    {
        const double *score = DOUBLES(score_), *costs = DOUBLES(costs_);
        int64_t *way = (int64_t *)(uintptr_t)way_;
        double best[MOST_PLACES];
        for (own = 0; own < places; own++)
            best[own] = score[own];
        for (n = 1; n < count; n++) {
            const int tops[2] = {best_of(best, places, 0), best_of(best, places, 1)};
            const double values[2] = {best[tops[0]], best[tops[1]]};
            for (own = 0; own < places; own++) {
                const int odd = own % 2;
                const double whole = values[odd] - costs[2 * n];
                const double half = values[1 - odd] - costs[2 * n + 1];
                const double moved = whole >= half ? whole : half;
                const int source = whole >= half ? tops[odd] : tops[1 - odd];
                came[n * places + own] = (int8_t)(moved > best[own] ? source : own);
                best[own] = (moved > best[own] ? moved : best[own]) + score[n * places + own];
            }
        }
        for (last = 0, own = 1; own < places; own++)
            if (best[own] > best[last])
                last = own;
        way[count - 1] = last;
        for (n = count - 1; n > 0; n--)
            way[n - 1] = came[n * places + way[n]];
    }
    Py_END_ALLOW_THREADS
    free(came);
    Py_RETURN_NONE;
}
