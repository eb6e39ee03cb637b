/* Steps of the rhythm's most likely paths: see paths.c. */

PyObject *paths_nearest(PyObject *self, PyObject *arguments);
PyObject *paths_way(PyObject *self, PyObject *arguments);
