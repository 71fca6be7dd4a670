/* The machine's yardsticks, so that figures of two machines compare: durable writes, encryption, memory. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static void bench_fdatasync(void) {
    char path[] = "./bench-sync-XXXXXX", block[4096] = {0};
    int fd = mkstemp(path);
    if (fd < 0)
        return;
    unlink(path);
    double start = bench_now(), end = start;
    unsigned n = 0;
    while (end - start < 0.5) {
        if (pwrite(fd, block, sizeof block, (off_t)n * (off_t)sizeof block) < 0 || fdatasync(fd) < 0)
            break;
        n++;
        end = bench_now();
    }
    close(fd);
    bench_figure("machine_fdatasync", n / (end - start), "1/s");
}

static void bench_aes(void) {
    enum { BLOCK = 16384 };
    unsigned char key[16] = {1}, iv[12] = {2}, *in = calloc(1, BLOCK), *out = malloc(BLOCK + 16);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!in || !out || !ctx)
        abort();
    double start = bench_now(), end = start, bytes = 0;
    while (end - start < 0.3) {
        for (int i = 0; i < 64; i++) {
            int n;
            EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv);
            EVP_EncryptUpdate(ctx, out, &n, in, BLOCK);
            bytes += BLOCK;
        }
        end = bench_now();
    }
    EVP_CIPHER_CTX_free(ctx);
    free(in);
    free(out);
    bench_figure("machine_aes_gcm", bytes / (end - start) / 1e9, "GB/s");
}

static void bench_memcpy(void) {
    enum { BLOCK = 64 << 20 };
    char *a = malloc(BLOCK), *b = malloc(BLOCK);
    if (!a || !b)
        abort();
    memset(a, 1, BLOCK);
    memset(b, 2, BLOCK);
    double start = bench_now(), end = start, bytes = 0;
    while (end - start < 0.3) {
        memcpy(b, a, BLOCK);
        __asm__ volatile("" : : "r"(b) : "memory");
        bytes += BLOCK;
        end = bench_now();
    }
    free(a);
    free(b);
    bench_figure("machine_memcpy", bytes / (end - start) / 1e9, "GB/s");
}

int main(void) {
    bench_fdatasync();
    bench_aes();
    bench_memcpy();
    return 0;
}
