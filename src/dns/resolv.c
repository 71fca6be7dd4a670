/* See resolv.h. */
#include "dns/resolv.h"

static bool is_in(struct ip ip, const struct ip *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ip_equal(list[i], ip))
            return true;
    return false;
}

static struct str next_word(struct str *line) {
    *line = str_trim(*line);
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    struct str word = str_cut(*line, n);
    *line = str_from_byte(*line, n);
    return word;
}

void resolv_parse(struct str text, const struct ip *without, size_t n_without, struct resolv *ret) {
    ret->n = 0;
    while (!str_empty(text) && ret->n < RESOLV_SERVERS_MAX) {
        struct str line;
        struct ip ip;
        (void)str_split(text, '\n', &line, &text);
        if (!str_eq(next_word(&line), S("nameserver")))
            continue;
        struct str address = next_word(&line), zone;
        (void)str_split(address, '%', &address, &zone);
        if (ip_parse(address, IP_LEGACY, &ip) && !is_in(ip, without, n_without) &&
            !is_in(ip, ret->servers, ret->n))
            ret->servers[ret->n++] = ip;
    }
}
