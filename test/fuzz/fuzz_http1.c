/* HTTP/1.1 on a whole connection, upgrades included. The first byte says in which pieces the rest is sent. */
#include "fuzz/fuzz.h"
#include "fuzz/http_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n)
        http_world_run("", 0, data + 1, n - 1, data[0]);
    return 0;
}
