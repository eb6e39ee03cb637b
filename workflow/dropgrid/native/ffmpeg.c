/* Calls FFmpeg's libraries without PyAV's objects. Vorbis frames are short, so for them these objects
   take as long as the decoding itself.

   The libraries are those that PyAV is linked with; the caller passes the addresses of FUNCTIONS.
   FFmpeg's headers are not available at compile time. The offsets of the fields that are read are
   those of FFmpeg 7 and 8; audio/direct_ffmpeg.py checks the versions. The offsets can change only
   with the major version of a library. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ffmpeg.h"

#define AT(structure, offset, type) (*(type *)((char *)(structure) + (offset)))
#define FORMAT_IO(format) AT(format, 32, void *)
#define FORMAT_STREAMS(format) AT(format, 44, unsigned)
#define FORMAT_STREAM(format, n) (AT(format, 48, void **)[n])
#define STREAM_PARAMETERS(stream) AT(stream, 16, void *)
#define STREAM_START(stream) AT(stream, 40, int64_t)
#define PARAMETERS_KIND(parameters) AT(parameters, 0, int)
#define PARAMETERS_CODEC(parameters) AT(parameters, 4, int)
#define PACKET_TIME(packet) AT(packet, 8, int64_t)
#define PACKET_STREAM(packet) AT(packet, 36, int)
#define PACKET_DURATION(packet) AT(packet, 64, int64_t)
#define FRAME_CHANNEL(frame, n) AT(frame, 8 * (n), const float *)
#define FRAME_SAMPLES(frame) AT(frame, 112, int)
#define FRAME_SAMPLE_FORMAT(frame) AT(frame, 116, int)
#define IO_BUFFER(io) AT(io, 8, void *)

enum { BUFFER = 32768, CHANNELS = 2, AUDIO = 1, VORBIS = 0x15005, PLANAR_FLOATS = 8,
       SIZE_WANTED = 0x10000, FORCED = 0x20000, AGAIN = -EAGAIN, QUIET = -8 };
#define END (-(int)('E' | 'O' << 8 | 'F' << 16 | (unsigned)' ' << 24))
#define NO_TIME INT64_MIN

/* name, return type, parameters */
#define FUNCTIONS(F)                                                                      \
    F(avformat_alloc_context, void *, (void))                                             \
    F(avformat_open_input, int, (void **, const char *, const void *, void **))           \
    F(avformat_find_stream_info, int, (void *, void **))                                  \
    F(avformat_close_input, void, (void **))                                              \
    F(avio_alloc_context, void *, (unsigned char *, int, int, void *,                     \
      int (*)(void *, uint8_t *, int), void *, int64_t (*)(void *, int64_t, int)))        \
    F(avio_context_free, void, (void **))                                                 \
    F(av_find_input_format, const void *, (const char *))                                 \
    F(av_read_frame, int, (void *, void *))                                               \
    F(av_malloc, void *, (size_t))                                                        \
    F(av_freep, void, (void *))                                                           \
    F(av_dict_set, int, (void **, const char *, const char *, int))                       \
    F(av_dict_free, void, (void **))                                                      \
    F(av_log_set_level, void, (int))                                                      \
    F(av_packet_alloc, void *, (void))                                                    \
    F(av_packet_unref, void, (void *))                                                    \
    F(av_packet_free, void, (void **))                                                    \
    F(av_frame_alloc, void *, (void))                                                     \
    F(av_frame_free, void, (void **))                                                     \
    F(avcodec_find_decoder, const void *, (int))                                          \
    F(avcodec_alloc_context3, void *, (const void *))                                     \
    F(avcodec_parameters_to_context, int, (void *, const void *))                         \
    F(avcodec_open2, int, (void *, const void *, void **))                                \
    F(avcodec_send_packet, int, (void *, const void *))                                   \
    F(avcodec_receive_frame, int, (void *, void *))                                       \
    F(avcodec_free_context, void, (void **))

#define ONE_POINTER(name, returned, taken) returned (*name) taken;
#define ONE_NAME(name, returned, taken) #name,
struct functions {
    FUNCTIONS(ONE_POINTER)
};
static const char *const NAMES[] = {FUNCTIONS(ONE_NAME)};
enum { NAMES_COUNT = sizeof NAMES / sizeof *NAMES };
_Static_assert(sizeof(struct functions) == NAMES_COUNT * sizeof(void *), "one address each");

/* An open file. state: 0, END or FFmpeg's error code; disk: errno of a failed read, or 0. */
struct source {
    struct functions call;
    int descriptor, stream, state, disk;
    void *io, *format, *codec, *packet, *frame;
};

static int read_some(void *opaque, uint8_t *room, int size)
{
    struct source *one = opaque;
    ssize_t got;
    do
        got = read(one->descriptor, room, (size_t)size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        one->disk = errno;
    return got > 0 ? (int)got : got ? -one->disk : END;
}

static int64_t go_to(void *opaque, int64_t offset, int whence)
{
    struct source *one = opaque;
    struct stat status;
    int64_t place;
    if (whence & SIZE_WANTED)
        return fstat(one->descriptor, &status) ? -errno : (int64_t)status.st_size;
    place = (int64_t)lseek(one->descriptor, (off_t)offset, whence & ~FORCED);
    return place < 0 ? -errno : place;
}

static void close_source(struct source *one)
{
    if (one->codec)
        one->call.avcodec_free_context(&one->codec);
    if (one->frame)
        one->call.av_frame_free(&one->frame);
    if (one->packet)
        one->call.av_packet_free(&one->packet);
    if (one->format)
        one->call.avformat_close_input(&one->format);
    if (one->io) {
        one->call.av_freep(&IO_BUFFER(one->io));
        one->call.avio_context_free(&one->io);
    }
    if (one->descriptor >= 0)
        close(one->descriptor);
    free(one);
}

/* Open the container and find the first audio stream; return FFmpeg's error code, or 0. */
static int opened(struct source *one)
{
    const struct functions *call = &one->call;
    unsigned char *room = call->av_malloc(BUFFER);
    void *options = NULL;
    unsigned n;
    int wrong;
    call->av_log_set_level(QUIET);
    if (!room)
        return -ENOMEM;
    one->io = call->avio_alloc_context(room, BUFFER, 0, one, read_some, NULL, go_to);
    if (!one->io) {
        call->av_freep(&room);
        return -ENOMEM;
    }
    one->format = call->avformat_alloc_context();
    one->packet = call->av_packet_alloc();
    one->frame = call->av_frame_alloc();
    if (!one->format || !one->packet || !one->frame)
        return -ENOMEM;
    FORMAT_IO(one->format) = one->io;
    call->av_dict_set(&options, "format_whitelist", "ogg", 0);
    call->av_dict_set(&options, "protocol_whitelist", "", 0);
    wrong = call->avformat_open_input(
        &one->format, "", call->av_find_input_format("ogg"), &options);
    call->av_dict_free(&options);
    if (wrong < 0 || (wrong = call->avformat_find_stream_info(one->format, NULL)) < 0)
        return wrong;
    for (n = 0; n < FORMAT_STREAMS(one->format); n++)
        if (PARAMETERS_KIND(STREAM_PARAMETERS(FORMAT_STREAM(one->format, n))) == AUDIO) {
            one->stream = (int)n;
            return 0;
        }
    return -ENOENT;
}

/* Open the decoder of a Vorbis stream that starts at 0; return FFmpeg's error code, or 0. */
static int decoder_opened(struct source *one)
{
    const struct functions *call = &one->call;
    void *stream = FORMAT_STREAM(one->format, one->stream), *options = NULL;
    const void *parameters = STREAM_PARAMETERS(stream), *decoder;
    const int64_t start = STREAM_START(stream);
    int wrong;
    if (PARAMETERS_CODEC(parameters) != VORBIS || (start != 0 && start != NO_TIME))
        return -EINVAL;
    decoder = call->avcodec_find_decoder(VORBIS);
    one->codec = decoder ? call->avcodec_alloc_context3(decoder) : NULL;
    if (!one->codec)
        return -ENOMEM;
    wrong = call->avcodec_parameters_to_context(one->codec, parameters);
    call->av_dict_set(&options, "threads", "1", 0);
    call->av_dict_set(&options, "err_detect", "crccheck+bitstream+buffer+explode", 0);
    if (wrong >= 0)
        wrong = call->avcodec_open2(one->codec, decoder, &options);
    call->av_dict_free(&options);
    return wrong < 0 ? wrong : 0;
}

/* Read the next packet of the stream; return 0, END or an error code. */
static int next_packet(struct source *one)
{
    int wrong;
    while ((wrong = one->call.av_read_frame(one->format, one->packet)) >= 0) {
        if (PACKET_STREAM(one->packet) == one->stream)
            return 0;
        one->call.av_packet_unref(one->packet);
    }
    return wrong;
}

/* Append the samples of the frame to room; return 0 or an error code. */
static int taken(const struct source *one, float *room, Py_ssize_t capacity, int channels,
                 Py_ssize_t *count)
{
    const Py_ssize_t samples = FRAME_SAMPLES(one->frame);
    int n;
    if (FRAME_SAMPLE_FORMAT(one->frame) != PLANAR_FLOATS || samples < 0
        || samples > capacity - *count)
        return -EINVAL;
    for (n = 0; n < channels; n++) {
        if (!FRAME_CHANNEL(one->frame, n))
            return -EINVAL;
        memcpy(room + n * capacity + *count, FRAME_CHANNEL(one->frame, n),
               (size_t)samples * sizeof(float));
    }
    *count += samples;
    return 0;
}

/* Decode packets until there are enough samples, or until the end or an error (then in `state`). */
static Py_ssize_t filled(struct source *one, float *room, Py_ssize_t capacity, int channels,
                         Py_ssize_t enough)
{
    const struct functions *call = &one->call;
    Py_ssize_t count = 0;
    if (!one->codec && !one->state)
        one->state = decoder_opened(one);
    while (!one->state && count < enough) {
        const int ended = next_packet(one);
        int wrong;
        if (ended && ended != END) {
            one->state = ended;
            break;
        }
        wrong = call->avcodec_send_packet(one->codec, ended ? NULL : one->packet);
        call->av_packet_unref(one->packet);
        while (wrong >= 0) {
            wrong = call->avcodec_receive_frame(one->codec, one->frame);
            if (wrong >= 0)
                wrong = taken(one, room, capacity, channels, &count);
        }
        one->state = wrong != AGAIN && wrong != END ? wrong : ended;
    }
    return count;
}

static const char CAPSULE[] = "dropgrid.native.kernels.source";

static void forget(PyObject *capsule)
{
    close_source(PyCapsule_GetPointer(capsule, CAPSULE));
}

/* Raise the error of a source: of the disk, of memory, or of the decoder. */
static PyObject *stopped(const struct source *one, int wrong)
{
    if (one->disk) {
        errno = one->disk;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return wrong == -ENOMEM ? PyErr_NoMemory()
                            : PyErr_Format(PyExc_ValueError, "FFmpeg's error %d", wrong);
}

PyObject *ffmpeg_functions(PyObject *self, PyObject *none)
{
    PyObject *names = PyList_New(0), *name;
    int n;
    for (n = 0; names && n < NAMES_COUNT; n++) {
        name = PyUnicode_FromString(NAMES[n]);
        if (!name || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

/* descriptor: an open Ogg file, closed with the returned object; functions: their addresses. */
PyObject *ffmpeg_open(PyObject *self, PyObject *arguments)
{
    unsigned long long functions;
    struct source *one = calloc(1, sizeof *one);
    PyObject *found;
    int descriptor, wrong;
    if (!one)
        return PyErr_NoMemory();
    one->descriptor = -1;
    if (!PyArg_ParseTuple(arguments, "iK", &descriptor, &functions)) {
        free(one);
        return NULL;
    }
    memcpy(&one->call, (const void *)(uintptr_t)functions, sizeof one->call);
    one->descriptor = descriptor;
    Py_BEGIN_ALLOW_THREADS
    wrong = opened(one);
    Py_END_ALLOW_THREADS
    found = wrong ? stopped(one, wrong) : PyCapsule_New(one, CAPSULE, forget);
    if (!found)
        close_source(one);
    return found;
}

/* source, room (channels, capacity), enough. Return the number of samples per channel in room: at
   least `enough`, fewer at the end, then 0. An error is raised after the last good samples. */
PyObject *ffmpeg_read(PyObject *self, PyObject *arguments)
{
    PyObject *capsule;
    unsigned long long room;
    Py_ssize_t capacity, enough, count;
    int channels;
    struct source *one;
    if (!PyArg_ParseTuple(arguments, "OKnin", &capsule, &room, &capacity, &channels, &enough))
        return NULL;
    one = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!one)
        return NULL;
    if (channels < 1 || channels > CHANNELS)
        return PyErr_Format(PyExc_ValueError, "%d channels", channels);
    Py_BEGIN_ALLOW_THREADS
    count = filled(one, (float *)(uintptr_t)room, capacity, channels, enough);
    Py_END_ALLOW_THREADS
    return count || one->state == END ? PyLong_FromSsize_t(count) : stopped(one, one->state);
}

/* source, most: of up to `most` packets, the total duration without the last packet, and the time
   from the start of the first to the start of the last by the page positions. */
PyObject *ffmpeg_lengths(PyObject *self, PyObject *arguments)
{
    PyObject *capsule;
    Py_ssize_t most, n;
    int64_t long_together = 0, last = 0, begin = 0, end = 0;
    struct source *one;
    int found = 0;
    if (!PyArg_ParseTuple(arguments, "On", &capsule, &most))
        return NULL;
    one = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!one)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    for (n = 0; n < most && !one->state; n++) {
        one->state = next_packet(one);
        if (!one->state && PACKET_TIME(one->packet) != NO_TIME && PACKET_DURATION(one->packet)) {
            end = PACKET_TIME(one->packet);
            begin = found++ ? begin : end;
            long_together += last;
            last = PACKET_DURATION(one->packet);
        }
        one->call.av_packet_unref(one->packet);
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("LL", (long long)long_together, (long long)(end - begin));
}
