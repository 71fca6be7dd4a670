/* What comes back in one gRPC call. See grpc.h, grpc_priv.h.
 *
 * The server is not trusted: lengths are bounded before anything grows, and everything that does not follow
 * the protocol ends the call. CONFORMS: gRPC over HTTP/2, "Responses".
 */
#include "runtime/grpc_priv.h"

static bool fault(struct grpc_exchange *x, int code, const char *what) {
    x->code = err_set(&x->err, code, "%s: %s", x->path, what);
    return false;
}

/* --- headers and trailers --- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoded; a malformed escape stays as it is. */
static void take_text(struct grpc_exchange *x, struct str value) {
    buf_clear(&x->text);
    for (size_t i = 0; i < value.n; i++) {
        int high = value.p[i] == '%' && i + 2 < value.n ? hex_digit(value.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(value.p[i + 2]) : -1;
        char c = value.p[i];
        if (low >= 0) {
            c = (char)(unsigned char)((unsigned)high * 16 + (unsigned)low);
            i += 2;
        }
        buf_byte(&x->text, c);
    }
}

static bool take_status(struct grpc_exchange *x, struct str value) {
    uint64_t status;
    if (!str_to_u64(value, &status) || status > INT32_MAX)
        return fault(x, ERR_CORRUPT, "the status is no number");
    x->status = (int)status;
    return true;
}

bool grpc_read_header(struct grpc_exchange *x, struct str name, struct str value) {
    x->started = true;
    x->header_bytes += name.n + value.n;
    if (x->header_bytes > GRPC_HEADER_BYTES_MAX)
        return fault(x, ERR_TOO_LARGE, "the headers are too large");
    uint64_t http;
    if (str_eq(name, S(":status")))
        x->http_status = str_to_u64(value, &http) && http <= 999 ? (int)http : 0;
    else if (str_eq(name, S("content-type")))
        x->is_grpc = str_has_prefix(value, S("application/grpc"));
    else if (str_eq(name, S("grpc-message")))
        take_text(x, value);
    else if (str_eq(name, S("grpc-status")))
        return take_status(x, value);
    return true;
}

/* --- messages --- */

static size_t take_prefix(struct grpc_exchange *x, struct str data) {
    size_t n = GRPC_PREFIX_BYTES - x->n_head;
    n = n < data.n ? n : data.n;
    memcpy(x->head + x->n_head, data.p, n);
    x->n_head += n;
    return n;
}

static bool begin_message(struct grpc_exchange *x) {
    const unsigned char *h = (const unsigned char *)x->head;
    x->want = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
    if (h[0] != 0)
        return fault(x, ERR_UNSUPPORTED, "the answer is compressed");
    if (x->want > x->channel->answer_max)
        return fault(x, ERR_TOO_LARGE, "the answer is too large");
    if (x->messages && !x->many)
        return fault(x, ERR_CORRUPT, "more than one answer");
    return true;
}

static void end_message(struct grpc_exchange *x) {
    x->n_head = 0;
    x->messages++;
    if (!x->many)
        return;
    x->on_message(x);
    buf_clear(&x->message);
}

bool grpc_read_data(struct grpc_exchange *x, struct str data) {
    if (!x->is_grpc || x->http_status != 200)
        return true; /* some error page; the end tells */
    while (data.n) {
        if (x->n_head < GRPC_PREFIX_BYTES) {
            data = str_from_byte(data, take_prefix(x, data));
            if (x->n_head < GRPC_PREFIX_BYTES)
                return true;
            if (!begin_message(x))
                return false;
        }
        struct str part = str_cut(data, x->want - x->message.n);
        buf_str(&x->message, part);
        data = str_from_byte(data, part.n);
        if (x->message.n == x->want)
            end_message(x);
    }
    return true;
}

/* --- the end --- */

static int code_of_status(int status) {
    static const int codes[] = {
        [1] = ERR_CANCELLED, [2] = ERR_INTERNAL,  [3] = ERR_INVALID,   [4] = ERR_TIMEOUT,
        [5] = ERR_NOT_FOUND, [6] = ERR_EXISTS,    [7] = ERR_FORBIDDEN, [8] = ERR_AGAIN,
        [9] = ERR_CONFLICT,  [10] = ERR_CONFLICT, [11] = ERR_INVALID,  [12] = ERR_UNSUPPORTED,
        [13] = ERR_INTERNAL, [14] = ERR_AGAIN,    [15] = ERR_CORRUPT,  [16] = ERR_UNAUTHORIZED,
    };
    return status > 0 && status < (int)(sizeof codes / sizeof *codes) ? codes[status] : ERR_INTERNAL;
}

/* CONFORMS: gRPC, "HTTP to gRPC Status Code Mapping". */
static int code_of_http(int http) {
    switch (http) {
    case 401: return ERR_UNAUTHORIZED;
    case 403: return ERR_FORBIDDEN;
    case 404: return ERR_UNSUPPORTED;
    case 429:
    case 502:
    case 503:
    case 504: return ERR_AGAIN;
    default: return ERR_CORRUPT;
    }
}

static int end_fault(struct grpc_exchange *x, int code, const char *what) {
    (void)fault(x, code, what);
    return code;
}

int grpc_read_end(struct grpc_exchange *x) {
    if (x->code)
        return x->code;
    if (x->http_status != 200)
        return err_set(&x->err, code_of_http(x->http_status), "%s: HTTP status %d", x->path, x->http_status);
    if (!x->is_grpc || x->status == GRPC_STATUS_NONE)
        return end_fault(x, ERR_CORRUPT, "the answer is not gRPC");
    if (x->status > 0 && x->text.n)
        return err_set(&x->err, code_of_status(x->status), "%.*s", STR_ARG(buf_view(&x->text)));
    if (x->status > 0)
        return err_set(&x->err, code_of_status(x->status), "%s: gRPC status %d", x->path, x->status);
    if (x->n_head)
        return end_fault(x, ERR_CORRUPT, "the answer is cut");
    if (!x->many && x->messages != 1)
        return end_fault(x, ERR_CORRUPT, "no answer");
    return 0;
}
