/* codec/json_esc: what the writers of codec/ and api/ share: finding the bytes that written JSON escapes, and
 * copying text that has none. */
#pragma once

#include <stdbool.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

struct buf;

/* What an escape is about: a string that is being written gets all; compact JSON text (`raw`), which has its
 * own quotes and backslashes, only those that Go adds. */
enum json_escape { JSON_ESCAPE_STRING, JSON_ESCAPE_RAW };

/* Whether a byte may need an escape: <, >, & and 0xe2, which starts U+2028 and U+2029; in strings also
 * controls, quotes and backslashes, and whatever is not ASCII, since it may not be UTF-8 (strings that came
 * as protobuf are not checked). */
static inline bool json_escapes(char ch, enum json_escape what) {
    unsigned char c = (unsigned char)ch;
    return c == '<' || c == '>' || c == '&' || c == 0xe2 ||
           (what == JSON_ESCAPE_STRING && (c < ' ' || c == '"' || c == '\\' || c >= 0x80));
}

#ifdef __SSE2__
/* One bit for each of 16 bytes, set where json_escapes(). */
static inline unsigned json_escape_mask(__m128i v, enum json_escape what) {
    /* < and > differ in one bit; so 0x3c is found in both when that bit is cleared. */
    __m128i angle = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0xfd)), _mm_set1_epi8('<'));
    __m128i stop = _mm_or_si128(angle, _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    if (what == JSON_ESCAPE_RAW) {
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0xe2)));
    } else {
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        __m128i quote =
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        stop = _mm_or_si128(_mm_or_si128(stop, v), _mm_or_si128(control, quote)); /* high bit: not ASCII */
    }
    return (unsigned)_mm_movemask_epi8(stop);
}
#endif

/* First byte in [p, end) that json_escapes(), or end. */
static inline const char *json_unescaped_end(const char *p, const char *end, enum json_escape what) {
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        unsigned mask = json_escape_mask(_mm_loadu_si128((const __m128i *)p), what);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && !json_escapes(*p, what))
        p++;
    return p;
}

#ifdef __SSE2__
/* Copies n bytes, fewer than 16, of which the destination has room for 16. */
static inline void json_copy_short(char *to, const char *p, size_t n) {
    if (n >= 8) {
        uint64_t head, tail;
        memcpy(&head, p, 8);
        memcpy(&tail, p + n - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, p, 4);
        memcpy(&tail, p + n - 4, 4);
        memcpy(to, &head, 4);
        memcpy(to + n - 4, &tail, 4);
    } else if (n) {
        to[0] = p[0];
        to[n / 2] = p[n / 2];
        to[n - 1] = p[n - 1];
    }
}

/* Copies s to `to`, which has room for s.n + 16 bytes; false when a byte of it may need an escape. */
static inline bool json_copy_plain(char *to, struct str s, enum json_escape what) {
    if (s.n < 16) {
        json_copy_short(to, s.p, s.n);
        __m128i v = _mm_loadu_si128((const __m128i *)to);
        return (json_escape_mask(v, what) & ((1u << s.n) - 1)) == 0;
    }
    for (size_t i = 0; i + 16 <= s.n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(s.p + i));
        if (json_escape_mask(v, what))
            return false;
        _mm_storeu_si128((__m128i *)(to + i), v);
    }
    __m128i last = _mm_loadu_si128((const __m128i *)(s.p + s.n - 16));
    _mm_storeu_si128((__m128i *)(to + s.n - 16), last);
    return json_escape_mask(last, what) == 0;
}
#else
static inline bool json_copy_plain(char *to, struct str s, enum json_escape what) {
    if (json_unescaped_end(s.p, s.p + s.n, what) != s.p + s.n)
        return false;
    if (s.n)
        memcpy(to, s.p, s.n);
    return true;
}
#endif

/* Appends s with escapes, without quotes. */
void json_put_escaped(struct buf *out, struct str s, enum json_escape what);
