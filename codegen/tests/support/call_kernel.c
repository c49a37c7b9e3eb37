/* Calls one kernel of an artifact on another machine than the compiler's: the test's frame comes in on standard input, what
   the kernel left goes out on standard output. The structs are those of sabot-abi. Not a loader: nothing is checked. */

#include <dlfcn.h>
#include <execinfo.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 2048, CHUNK_WORDS = 32, VALUES = CHUNK_ROWS * 16 };

typedef struct { const void *values; const uint64_t *validity; } InputColumn;
typedef struct { void *values; uint64_t *validity; } OutputColumn;
typedef struct { uint64_t sum[2], count, reserved; } Accumulator;
typedef struct { uint32_t code, span_start, span_end, reserved; uint64_t row; } RowError;
typedef struct { const uint8_t *data; uint64_t len; } StrRef;
typedef struct {
    uint64_t rows, first_row;
    const InputColumn *inputs;
    const OutputColumn *outputs;
    const uint64_t *selection;
    uint64_t *selection_out;
    Accumulator *accumulators;
} Chunk;
typedef struct { const void *const *functions; const uint64_t (*params)[2]; const uint8_t *constants; RowError error; void *arena; uint64_t row_bytes, result[4]; } Context;
typedef int64_t Kernel(Context *, const Chunk *);

/* Shows that unwinding gets through the kernel that called. */
static double exp_f64(double x) {
    static int shown;
    if (!shown++) {
        void *frames[32];
        int count = backtrace(frames, 32);
        for (int frame = 0; frame < count; frame++) {
            Dl_info info;
            if (dladdr(frames[frame], &info) && info.dli_sname) fprintf(stderr, "frame: %s\n", info.dli_sname);
        }
    }
    return exp(x);
}
static uint8_t str_eq(const uint8_t *a, int64_t a_len, const uint8_t *b, int64_t b_len) {
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}
static int32_t str_compare(const uint8_t *a, int64_t a_len, const uint8_t *b, int64_t b_len) {
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    if (order == 0) order = (a_len > b_len) - (a_len < b_len);
    return (order > 0) - (order < 0);
}
static uint8_t str_starts_with(const uint8_t *a, int64_t a_len, const uint8_t *b, int64_t b_len) {
    return a_len >= b_len && memcmp(a, b, b_len) == 0;
}
static uint8_t str_ends_with(const uint8_t *a, int64_t a_len, const uint8_t *b, int64_t b_len) {
    return a_len >= b_len && memcmp(a + a_len - b_len, b, b_len) == 0;
}
static int64_t str_concat(Context *cx, const uint8_t *a, int64_t a_len, const uint8_t *b, int64_t b_len) {
    uint8_t *to = malloc(a_len + b_len + 1); /* the process ends with the chunk */
    memcpy(to, a, a_len);
    memcpy(to + a_len, b, b_len);
    cx->row_bytes += a_len + b_len;
    cx->result[0] = (uintptr_t)to;
    cx->result[1] = a_len + b_len;
    return 0;
}

/* FUNCTIONS is made from the list in sabot-abi: in its order, those above or 0. */
static const void *const functions[] = { FUNCTIONS };

static void *take(size_t len) {
    void *bytes = aligned_alloc(64, (len + 63) / 64 * 64 + 64);
    if (!bytes || fread(bytes, 1, len, stdin) != len) exit(3);
    return bytes;
}

static uint64_t number(void) {
    uint64_t *word = take(8);
    return *word;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 4;
    }
    const uint8_t *descriptor = dlsym(library, "sabot_artifact");
    uint64_t words[12];
    memcpy(words, descriptor, sizeof words);
    const uint64_t constants = words[6], table = words[8]; /* see sabot-abi's descriptor.rs */
    uint64_t offset;
    memcpy(&offset, descriptor + table + 8 * strtoul(argv[2], 0, 10), 8);
    Kernel *kernel = (Kernel *)(descriptor + offset);

    Chunk chunk = { .rows = number(), .first_row = number() };
    uint64_t inputs = number(), outputs = number(), accumulators = number(), params = number(), heap_len = number();
    const uint8_t *heap = take(heap_len);
    InputColumn *in = calloc(inputs + 1, sizeof *in);
    for (uint64_t i = 0; i < inputs; i++) {
        uint64_t is_text = number();
        StrRef *values = take(VALUES);
        if (is_text)
            for (int row = 0; row < CHUNK_ROWS; row++) values[row].data = heap + (uintptr_t)values[row].data;
        in[i].values = values;
        in[i].validity = take(CHUNK_WORDS * 8);
    }
    OutputColumn *out = calloc(outputs + 1, sizeof *out);
    for (uint64_t i = 0; i < outputs; i++) {
        out[i].values = aligned_alloc(64, VALUES);
        out[i].validity = aligned_alloc(64, CHUNK_WORDS * 8);
        memset(out[i].values, 0, VALUES);
        memset(out[i].validity, 0, CHUNK_WORDS * 8);
    }
    uint64_t selection_out[CHUNK_WORDS] = { 0 };
    chunk.inputs = in;
    chunk.outputs = out;
    chunk.selection = take(CHUNK_WORDS * 8);
    chunk.selection_out = selection_out;
    chunk.accumulators = take(accumulators * sizeof(Accumulator));
    Context context = { functions, take(params * 16), descriptor + constants, { 0 }, 0, 0, { 0 } };

    int64_t result = kernel(&context, &chunk);
    fwrite(&result, 8, 1, stdout);
    fwrite(&context.error, sizeof context.error, 1, stdout);
    fwrite(selection_out, sizeof selection_out, 1, stdout);
    fwrite(chunk.accumulators, sizeof(Accumulator), accumulators, stdout);
    for (uint64_t i = 0; i < outputs; i++) {
        fwrite(out[i].values, VALUES, 1, stdout);
        fwrite(out[i].validity, CHUNK_WORDS * 8, 1, stdout);
    }
    return fflush(stdout) == 0 ? 0 : 5;
}
