/* Runs a fuzzer over the files of its corpus: `replay_<thing> DIRECTORY`. Each input lies in memory of just
 * its size, so that AddressSanitizer sees a read past its end. No files at all is a failure. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

static void run(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        panic("cannot open %s", path);
    uint8_t *data = NULL;
    size_t n = 0;
    for (int c; (c = fgetc(f)) != EOF;) {
        if ((n & (n - 1)) == 0) {
            data = realloc(data, n ? 2 * n : 1);
            if (!data)
                panic("out of memory");
        }
        data[n++] = (uint8_t)c;
    }
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        panic("out of memory");
    if (n)
        memcpy(exact, data, n);
    free(data);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static int is_file(const struct dirent *e) {
    return e->d_name[0] != '.';
}

int main(int argc, char **argv) {
    struct dirent **entries;
    int n = argc == 2 ? scandir(argv[1], &entries, is_file, alphasort) : -1;
    if (n <= 0) {
        fprintf(stderr, "usage: %s DIRECTORY (which has files)\n", argv[0]);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        run(path);
        free(entries[i]);
    }
    free(entries);
    printf("%d inputs\n", n);
    return 0;
}
