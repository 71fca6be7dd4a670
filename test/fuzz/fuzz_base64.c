/* Base64: what decodes is what encodes back, but for line breaks and spare bits. */
#include <stdlib.h>

#include "base/err.h"
#include "codec/base64.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str input = {(const char *)data, n};
    for (int form = BASE64_STD; form <= BASE64_URL; form++) {
        size_t text_n = base64_encoded_len(n, form), back_n = 0;
        char *text = malloc(text_n + 1), *back = malloc(base64_decoded_max(text_n > n ? text_n : n));
        check(text && back);
        check(base64_encode(form, input, text) == text_n);
        check(base64_decode(form, str_make(text, text_n), back, &back_n, NULL) == 0);
        check(str_eq(str_make(back, back_n), input));
        if (base64_decode(form, input, back, &back_n, NULL) == 0)
            check(back_n <= n / 4 * 3 + 2);
        free(back);
        free(text);
    }
    return 0;
}
