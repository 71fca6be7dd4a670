/* Header blocks of SPDY. See spdy_header.h. */
#include "net/spdy_header.h"

#include <ctype.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/spdy.h"

/* -- the dictionary -- */

#define DICTIONARY_BYTES 1423
#define DICTIONARY_ADLER 0xe3c6a7c2u

/* CONFORMS: SPDY draft 3, 2.6.10.1: these with their lengths, then the text below. */
static const char words[] =
    "options\0head\0post\0put\0delete\0trace\0accept\0accept-charset\0accept-encoding\0accept-language\0"
    "accept-ranges\0age\0allow\0authorization\0cache-control\0connection\0content-base\0content-encoding\0"
    "content-language\0content-length\0content-location\0content-md5\0content-range\0content-type\0date\0"
    "etag\0expect\0expires\0from\0host\0if-match\0if-modified-since\0if-none-match\0if-range\0"
    "if-unmodified-since\0last-modified\0location\0max-forwards\0pragma\0proxy-authenticate\0"
    "proxy-authorization\0range\0referer\0retry-after\0server\0te\0trailer\0transfer-encoding\0upgrade\0"
    "user-agent\0vary\0via\0warning\0www-authenticate\0method\0get\0status\0"
    "200 OK\0version\0HTTP/1.1\0url\0public\0set-cookie\0keep-alive\0origin\0";
static const char rest[] =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static void make_dictionary(Bytef to[DICTIONARY_BYTES]) {
    size_t at = 0;
    for (const char *w = words; *w;) {
        size_t n = strlen(w);
        check(at + 4 + n + sizeof rest - 1 <= DICTIONARY_BYTES);
        memcpy(to + at, (const char[4]){0, 0, 0, (char)n}, 4);
        memcpy(to + at + 4, w, n);
        at += 4 + n;
        w += n + 1;
    }
    memcpy(to + at, rest, sizeof rest - 1);
    check(at + sizeof rest - 1 == DICTIONARY_BYTES);
    check(adler32(1, to, DICTIONARY_BYTES) == DICTIONARY_ADLER);
}

/* -- reading -- */

void spdy_inflate_init(struct spdy_inflate *i) {
    *i = (struct spdy_inflate){.broken = false};
    if (inflateInit(&i->z) != Z_OK)
        panic("out of memory");
}

void spdy_inflate_fini(struct spdy_inflate *i) {
    (void)inflateEnd(&i->z);
}

/* All of the block; Z_STREAM_END never comes. */
static int inflate_block(struct spdy_inflate *i, struct str block, char *to, size_t room, size_t *ret_n) {
    Bytef dictionary[DICTIONARY_BYTES];
    i->z.next_in = (Bytef *)block.p;
    i->z.avail_in = (uInt)block.n;
    i->z.next_out = (Bytef *)to;
    i->z.avail_out = (uInt)room;
    int r = inflate(&i->z, Z_SYNC_FLUSH);
    if (r == Z_NEED_DICT) {
        make_dictionary(dictionary);
        if (inflateSetDictionary(&i->z, dictionary, DICTIONARY_BYTES) != Z_OK)
            return ERR_INVALID;
        r = inflate(&i->z, Z_SYNC_FLUSH);
    }
    if (r != Z_OK && r != Z_BUF_ERROR)
        return ERR_INVALID;
    if (i->z.avail_in || i->z.avail_out == 0)
        return ERR_TOO_LARGE;
    *ret_n = room - i->z.avail_out;
    return 0;
}

/* One length and so many bytes. */
static bool take(struct str *from, struct str *ret) {
    if (from->n < 4)
        return false;
    const unsigned char *p = (const unsigned char *)from->p;
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    *from = str_from_byte(*from, 4);
    if (n > from->n)
        return false;
    *ret = str_cut(*from, n);
    *from = str_from_byte(*from, n);
    return true;
}

static int parse_pairs(struct str text, struct http_header **ret, size_t *ret_n, struct arena *a) {
    struct str count_and_rest = text;
    if (text.n < 4)
        return ERR_INVALID;
    const unsigned char *p = (const unsigned char *)text.p;
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (n > SPDY_HEADERS_MAX)
        return ERR_TOO_LARGE;
    struct http_header *v = arena_new_n(a, n ? n : 1, struct http_header);
    text = str_from_byte(count_and_rest, 4);
    for (size_t i = 0; i < n; i++) {
        if (!take(&text, &v[i].name) || !take(&text, &v[i].value) || v[i].name.n == 0)
            return ERR_INVALID;
        for (size_t k = 0; k < v[i].name.n; k++)
            ((char *)v[i].name.p)[k] = (char)tolower((unsigned char)v[i].name.p[k]);
    }
    if (text.n)
        return ERR_INVALID;
    *ret = v;
    *ret_n = n;
    return 0;
}

int spdy_headers_read(struct spdy_inflate *i, struct str block, struct arena *a, struct http_header **ret,
                      size_t *ret_n) {
    char text[SPDY_HEADER_BYTES_MAX + 1];
    size_t n = 0;
    if (i->broken)
        return ERR_INVALID;
    int r = inflate_block(i, block, text, sizeof text, &n);
    i->broken = r < 0;
    if (r < 0)
        return r;
    return parse_pairs(arena_str(a, str_make(text, n)), ret, ret_n, a);
}

/* -- writing -- */

void spdy_deflate_init(struct spdy_deflate *d) {
    Bytef dictionary[DICTIONARY_BYTES];
    *d = (struct spdy_deflate){{0}};
    make_dictionary(dictionary);
    /* Small windows and little memory: blocks are short, connections many. */
    if (deflateInit2(&d->z, Z_BEST_SPEED, Z_DEFLATED, 11, 1, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflateSetDictionary(&d->z, dictionary, DICTIONARY_BYTES) != Z_OK)
        panic("out of memory");
}

void spdy_deflate_fini(struct spdy_deflate *d) {
    (void)deflateEnd(&d->z);
}

static void put_u32(struct buf *b, size_t v) {
    buf_put(b, (const char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
}

void spdy_headers_write(struct spdy_deflate *d, const struct http_header *headers, size_t n,
                        struct buf *out) {
    _cleanup_buf struct buf text = BUF_INIT;
    put_u32(&text, n);
    for (size_t i = 0; i < n; i++) {
        put_u32(&text, headers[i].name.n);
        buf_str(&text, headers[i].name);
        put_u32(&text, headers[i].value.n);
        buf_str(&text, headers[i].value);
    }
    d->z.next_in = (Bytef *)text.p;
    d->z.avail_in = (uInt)text.n;
    size_t room = deflateBound(&d->z, (uLong)text.n) + 64;
    d->z.next_out = (Bytef *)buf_reserve(out, room);
    d->z.avail_out = (uInt)room;
    check(deflate(&d->z, Z_SYNC_FLUSH) == Z_OK && d->z.avail_in == 0);
    out->n += room - d->z.avail_out;
}
