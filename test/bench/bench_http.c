/* The HTTP server alone: answers of 300 bytes and of 20 MB, over TLS, driven by h2load when it is installed.
 */
#include <math.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "bench/bench.h"
#include "net/http.h"

#define BIG_BYTES (20u << 20)

static char small[300], *big;

static void handle(void *arg, struct http_request *r) {
    (void)arg;
    struct http_header h = {S("content-type"), S("application/json")};
    bool is_big = str_eq(http_in(r)->path, S("/big"));
    struct http_chunk c = {.bytes = is_big ? str_make(big, BIG_BYTES) : str_make(small, sizeof small)};
    http_respond(r, 200, &h, 1, &c, 1);
}

static void write_certificate(const char *cert_path, const char *key_path) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"bench", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_sign(cert, key, EVP_sha256());
    FILE *c = fopen(cert_path, "w"), *k = fopen(key_path, "w");
    if (!c || !k)
        abort();
    PEM_write_X509(c, cert);
    PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
    fclose(c);
    fclose(k);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Requests a second that h2load reports; NaN when it is not there. */
static double h2load(unsigned port, const char *path, int clients, int streams, int requests) {
    char cmd[512], line[512];
    double rate = NAN;
    snprintf(cmd, sizeof cmd, "h2load -n %d -c %d -m %d https://127.0.0.1:%u%s 2>/dev/null", requests,
             clients, streams, port, path);
    FILE *p = popen(cmd, "r"); /* tidy: call because the command is made of numbers */
    while (p && fgets(line, sizeof line, p)) {
        char *at = strstr(line, "req/s");
        char *comma = at ? strchr(line, ',') : NULL;
        if (comma)
            rate = strtod(comma + 1, NULL);
    }
    if (p)
        pclose(p);
    return rate;
}

int main(void) {
    char dir[] = "/tmp/bench-http-XXXXXX", cert[64], key[64];
    struct http_server *s;
    struct err err = ERR_INIT;
    if (!mkdtemp(dir) || !(big = malloc(BIG_BYTES)))
        return 1;
    memset(big, 'x', BIG_BYTES);
    memset(small, 'x', sizeof small);
    snprintf(cert, sizeof cert, "%s/cert", dir);
    snprintf(key, sizeof key, "%s/key", dir);
    write_certificate(cert, key);
    struct http_server_options o = {
        .address = S("127.0.0.1"), .cert_path = cert, .key_path = key, .handler = handle};
    if (http_server_start(&o, &s, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    unsigned port = http_server_port(s);
    bench_figure("http_small_1x1", h2load(port, "/", 1, 1, 20000), "req/s");
    bench_figure("http_small_10x10", h2load(port, "/", 10, 10, 200000), "req/s");
    double rate = h2load(port, "/big", 1, 1, 100);
    bench_figure("http_big_1x1", rate * BIG_BYTES / 1e6, "MB/s");
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    bench_figure("http_memory_max", (double)u.ru_maxrss / 1024 - BIG_BYTES / 1048576.0, "MiB");
    http_server_stop(s, 0);
    unlink(cert);
    unlink(key);
    rmdir(dir);
    free(big);
    return 0;
}
