/* HTTP/2 on a whole connection: frames after the preface. The first byte says in which pieces they are sent.
 */
#include "fuzz/fuzz.h"
#include "fuzz/http_world.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n)
        http_world_run(preface, sizeof preface - 1, data + 1, n - 1, data[0]);
    return 0;
}
