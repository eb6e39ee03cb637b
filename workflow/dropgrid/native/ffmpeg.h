/* Calls FFmpeg's libraries without PyAV's objects: see ffmpeg.c. */

PyObject *ffmpeg_functions(PyObject *self, PyObject *none);
PyObject *ffmpeg_open(PyObject *self, PyObject *arguments);
PyObject *ffmpeg_read(PyObject *self, PyObject *arguments);
PyObject *ffmpeg_lengths(PyObject *self, PyObject *arguments);
