/* Continue tokens: base64 of {"v":"meta.k8s.io/v1","rv":7,"start":"name\u0000"}. See list_token.h. */
#include "apiserver/list_token.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/base64.h"
#include "codec/json.h"

#define TOKEN_MAX 4096u

struct str list_token_write(struct arena *a, const struct list_token *t) {
    _cleanup_buf struct buf text = BUF_INIT, start = BUF_INIT;
    buf_str(&start, t->after);
    buf_byte(&start, '\0');
    buf_printf(&text, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":", (long long)t->revision);
    json_write_string(&text, buf_view(&start));
    buf_byte(&text, '}');
    char *out = arena_bytes(a, base64_encoded_len(text.n, BASE64_URL));
    return str_make(out, base64_encode(BASE64_URL, buf_view(&text), out));
}

/* A key is at most a namespace and a name. */
static bool is_key(struct str s) {
    ptrdiff_t slash = str_find_byte(s, '/');
    if (slash < 0)
        return s.n > 0;
    struct str name = str_from_byte(s, (size_t)slash + 1);
    return slash > 0 && name.n && str_find_byte(name, '/') < 0 && !str_eq(name, S(".."));
}

int list_token_read(struct arena *a, struct str text, struct list_token *ret, struct err *err) {
    struct jval v;
    size_t n;
    if (text.n > TOKEN_MAX)
        return err_set(err, ERR_INVALID, "it is too long");
    char *bytes = arena_bytes(a, base64_decoded_max(text.n));
    int code = base64_decode(BASE64_URL, text, bytes, &n, err);
    if (code == 0)
        code = json_parse(a, str_make(bytes, n), NULL, NULL, &v, err);
    if (code < 0)
        return err_set(err, ERR_INVALID, "it was not made by this server");
    const struct jval *rv = jval_get(&v, S("rv"));
    struct str start = jval_get_str(&v, S("start"));
    if (!str_eq(jval_get_str(&v, S("v")), S("meta.k8s.io/v1")))
        return err_set(err, ERR_INVALID, "server does not recognize this encoded version");
    if (!rv || rv->kind != J_INT || rv->i == 0 || rv->i < -1)
        return err_set(err, ERR_INVALID, "incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    if (start.n && start.p[start.n - 1] == '\0')
        start.n--;
    if (!is_key(start) || str_find_byte(start, '\0') >= 0)
        return err_set(err, ERR_INVALID, "invalid start key");
    *ret = (struct list_token){.revision = rv->i, .after = start};
    return 0;
}
