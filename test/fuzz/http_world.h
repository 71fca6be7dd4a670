/* test/fuzz/http_world: one connection of the server in net/, on a socket pair and a loop that the fuzzer
 * turns itself: no threads, nothing listens. The handler does by path what handlers do: answers at once,
 * large, later, as a stream, with an upgrade, never; and checks what http.h promises it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Sends `first`, then the bytes in pieces of 2^(how & 15) (larger ones, when they would be many); reads what
 * the server sends after each, or with how & 16 only at the end, when the server is closed on. With how & 32
 * the handler writes between pieces, and with how & 64 it is only then that the server sees that the peer
 * read. */
void http_world_run(const char *first, size_t n_first, const uint8_t *data, size_t n, uint8_t how);
