/* Answers of a gRPC server: headers and data in pieces of any size. The first byte is the size of the pieces,
 * the second says how many header lines ("name: value") come first. Messages keep to the limit and arrive
 * whole. */
#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "runtime/grpc_priv.h"

#define ANSWER_MAX 4096

static void on_message(struct grpc_exchange *x) {
    must(x->message.n == x->want && x->want <= ANSWER_MAX);
}

/* False when the call has ended. */
static bool take_headers(struct grpc_exchange *x, struct str *text, unsigned n) {
    struct str line, name, value;
    for (; n && text->n; n--) {
        str_split(*text, '\n', &line, text);
        str_split(line, ':', &name, &value);
        if (!grpc_read_header(x, name, str_trim(value)))
            return false;
    }
    return true;
}

static void run(struct str text, unsigned piece, unsigned headers, bool many) {
    struct grpc g = {.answer_max = ANSWER_MAX};
    struct grpc_exchange x = {.channel = &g,
                              .path = "/x",
                              .status = GRPC_STATUS_NONE,
                              .many = many,
                              .on_message = on_message,
                              .http_status = 200,
                              .is_grpc = true,
                              .text.limit = ERR_MESSAGE_MAX};
    bool going = take_headers(&x, &text, headers);
    while (going && text.n) {
        struct str part = str_cut(text, piece ? piece : 256);
        going = grpc_read_data(&x, part);
        text = str_from_byte(text, part.n);
    }
    int code = grpc_read_end(&x);
    must(code <= 0 && (going || code < 0));
    must(code < 0 || many || x.messages == 1);
    must(x.message.n <= ANSWER_MAX);
    buf_fini(&x.text);
    buf_fini(&x.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2)
        return 0;
    struct str text = fuzz_text(data + 2, n - 2);
    run(text, data[0], data[1], false);
    run(text, data[0], data[1], true);
    return 0;
}
