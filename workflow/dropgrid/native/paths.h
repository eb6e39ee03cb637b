/* Steps of the most likely paths of the rhythm: see paths.c. */

PyObject *paths_nearest(PyObject *self, PyObject *arguments);
PyObject *paths_way(PyObject *self, PyObject *arguments);
