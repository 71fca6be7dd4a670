/* codec/json_esc: what the writers of codec/ and api/ share: finding the bytes that written JSON escapes. */
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

/* Appends s with escapes, without quotes. */
void json_put_escaped(struct buf *out, struct str s, enum json_escape what);
