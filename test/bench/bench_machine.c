/* The machine's yardsticks, so that figures of two machines compare: durable writes, encryption, memory. */
#include <fcntl.h>
#include <math.h>
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
    uint64_t start = bench_now_ns(), end = start;
    unsigned n = 0;
    while (end - start < 500000000u) {
        if (pwrite(fd, block, sizeof block, (off_t)n * (off_t)sizeof block) < 0 || fdatasync(fd) < 0)
            break;
        n++;
        end = bench_now_ns();
    }
    close(fd);
    bench_print("machine_fdatasync", n / ((double)(end - start) / 1e9), "1/s", NAN, NAN, BENCH_HIGHER);
}

static void bench_aes(void) {
    enum { BLOCK = 16384 };
    unsigned char key[16] = {1}, iv[12] = {2}, *in = calloc(1, BLOCK), *out = malloc(BLOCK + 16);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!in || !out || !ctx)
        abort();
    uint64_t start = bench_now_ns(), end = start, bytes = 0;
    while (end - start < 300000000u) {
        for (int i = 0; i < 64; i++) {
            int n;
            EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv);
            EVP_EncryptUpdate(ctx, out, &n, in, BLOCK);
            bytes += BLOCK;
        }
        end = bench_now_ns();
    }
    EVP_CIPHER_CTX_free(ctx);
    free(in);
    free(out);
    bench_print("machine_aes_gcm", (double)bytes / (double)(end - start), "GB/s", NAN, NAN, BENCH_HIGHER);
}

static void bench_memcpy(void) {
    enum { BLOCK = 64 << 20 };
    char *a = malloc(BLOCK), *b = malloc(BLOCK);
    if (!a || !b)
        abort();
    memset(a, 1, BLOCK);
    memset(b, 2, BLOCK);
    uint64_t start = bench_now_ns(), end = start, bytes = 0;
    while (end - start < 300000000u) {
        memcpy(b, a, BLOCK);
        __asm__ volatile("" : : "r"(b) : "memory");
        bytes += BLOCK;
        end = bench_now_ns();
    }
    free(a);
    free(b);
    bench_print("machine_memcpy", (double)bytes / (double)(end - start), "GB/s", NAN, NAN, BENCH_HIGHER);
}

int main(void) {
    bench_fdatasync();
    bench_aes();
    bench_memcpy();
    return 0;
}
