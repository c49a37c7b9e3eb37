/* Calls the two kernels of the tests' job, which were linked in. The structs are those of sabot-abi. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct { const void *values; const uint64_t *validity; } InputColumn;
typedef struct { void *values; uint64_t *validity; } OutputColumn;
typedef struct {
    uint64_t rows, first_row;
    const InputColumn *inputs;
    const OutputColumn *outputs;
    const uint64_t *selection;
    uint64_t *selection_out;
    void *accumulators;
} Chunk;
/* Longer than what kernels know of it: the tail is the runtime's. */
typedef struct { const void *const *functions; const uint64_t (*params)[2]; const uint8_t *constants; uint64_t rest[29]; } Context;

extern int64_t shift__map_1_plain(Context *, const Chunk *);
extern int64_t shift__map_2_rows(Context *, const Chunk *);
extern const uint8_t shift__constants[];
extern const char shift__manifest[];
extern const uint32_t shift__abi_version;

int main(void) {
    if (shift__abi_version == 0 || strstr(shift__manifest, "\"shift\"") == NULL) return 2;
    int64_t words[3] = {1, -7, 0}, shifted[64];
    double floats[2] = {0.0, 1.0}, grown[64];
    uint64_t selection[32];
    memset(selection, 0xff, sizeof selection);
    const void *functions[1024];
    for (int at = 0; at < 1024; at++) functions[at] = (const void *)exp;
    Context context = {functions, NULL, shift__constants, {0}};
    InputColumn input = {words, NULL};
    OutputColumn output = {shifted, NULL};
    Chunk chunk = {3, 0, &input, &output, selection, NULL, NULL};
    if (shift__map_1_plain(&context, &chunk) != 0) return 3;
    printf("%d %d %d\n", (int)shifted[0], (int)shifted[1], (int)shifted[2]);
    input.values = floats;
    output.values = grown;
    chunk.rows = 2;
    if (shift__map_2_rows(&context, &chunk) != 0) return 4;
    printf("%g %.9f\n", grown[0], grown[1]);
    return 0;
}
