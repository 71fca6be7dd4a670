/* What refusals of the server mean for the user. See call.h. */
#include "ctl/call.h"
#include "ctl/object.h"

struct reason {
    int code;
    const char *reason, *message;
};

/* What an answer without a Status means. */
static const struct reason reasons[] = {
    {400, "BadRequest", "the server rejected our request for an unknown reason"},
    {401, "Unauthorized", "the server has asked for the client to provide credentials"},
    {403, "Forbidden", "access is forbidden"},
    {404, "NotFound", "the server could not find the requested resource"},
    {405, "MethodNotAllowed", "the server does not allow this method on the requested resource"},
    {409, "Conflict", "the server reported a conflict"},
    {429, "TooManyRequests", "the server has received too many requests and has asked us to try again later"},
    {500, "InternalError", "an error on the server has prevented the request from succeeding"},
    {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
    {504, "Timeout", "the server was unable to return a response in the time allotted"},
    {0, NULL, NULL},
};

static const struct reason *reason_of(int code) {
    const struct reason *r = reasons;
    while (r->code && r->code != code)
        r++;
    return r;
}

/* "field: message" of every cause, in a list when there are several. */
static struct str causes_text(struct ctl *c, const struct jval *causes) {
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < causes->n; i++) {
        struct str field = jval_get_str(&causes->items[i], S("field"));
        struct str message = jval_get_str(&causes->items[i], S("message"));
        if (causes->n > 1)
            buf_lit(&out, "\n* ");
        if (field.n)
            buf_printf(&out, "%.*s: ", STR_ARG(field));
        buf_str(&out, message);
    }
    return buf_to_arena(&out, &c->arena);
}

static struct str invalid_text(struct ctl *c, const struct jval *status, struct str message) {
    const struct jval *details = jval_get(status, S("details"));
    struct str kind = object_str(details, "kind"), name = object_str(details, "name");
    const struct jval *causes = object_array(details, "causes");
    struct str head = S("The request is invalid");
    if (kind.n || name.n)
        head = arena_printf(&c->arena, "The %.*s \"%.*s\" is invalid", STR_ARG(kind), STR_ARG(name));
    else if (message.n && !(causes && causes->n))
        head = arena_printf(&c->arena, "%.*s: %.*s", STR_ARG(head), STR_ARG(message));
    if (!causes || !causes->n)
        return head;
    return arena_printf(&c->arena, "%.*s: %.*s", STR_ARG(head), STR_ARG(causes_text(c, causes)));
}

static void put_text(struct ctl *c, struct problem *p, const struct jval *status) {
    if (str_eq(p->reason, S("Unauthorized")))
        p->text = arena_printf(&c->arena, "error: You must be logged in to the server (%.*s)",
                               STR_ARG(status ? p->message : p->reason));
    else if (str_eq(p->reason, S("Invalid")))
        p->text = invalid_text(c, status, p->message);
    else if (p->reason.n && !str_eq(p->reason, S("Unknown")))
        p->text = arena_printf(&c->arena, "Error from server (%.*s): %.*s", STR_ARG(p->reason),
                               STR_ARG(p->message));
    else
        p->text = arena_printf(&c->arena, "Error from server: %.*s", STR_ARG(p->message));
}

int problem_of_status(struct ctl *c, struct problem *p, int http_code, const struct jval *status) {
    *p = (struct problem){
        .http_code = http_code ? http_code : (int)object_int(status, "code", 500),
        .reason = object_str(status, "reason"),
        .message = object_str(status, "message"),
        .status = *status,
    };
    put_text(c, p, status);
    return CTL_PROBLEM;
}

int problem_of_code(struct ctl *c, struct problem *p, int http_code, struct str what) {
    const struct reason *r = reason_of(http_code);
    *p = (struct problem){.http_code = http_code, .reason = str_from(r->reason ? r->reason : "")};
    p->message = r->message ? str_from(r->message)
                            : arena_printf(&c->arena,
                                           "the server responded with the status code %d but did not "
                                           "return more information",
                                           http_code);
    if (what.n)
        p->message = arena_printf(&c->arena, "%.*s (%.*s)", STR_ARG(p->message), STR_ARG(what));
    put_text(c, p, NULL);
    return CTL_PROBLEM;
}

int problem_of_connection(struct ctl *c, struct problem *p, const struct err *err) {
    struct str why = str_from(err->msg), host = c->server_url, rest;
    ptrdiff_t at = str_find(host, S("://"));
    host = str_from_byte(host, at < 0 ? 0 : (size_t)at + 3);
    (void)str_split(host, '/', &host, &rest);
    if (str_find(why, S("onnection refused")) >= 0 || str_find(why, S("Couldn't connect")) >= 0)
        return problem_say(c, p,
                           "The connection to the server %.*s was refused - did you specify the right "
                           "host or port?",
                           STR_ARG(host));
    return problem_say(c, p, "Unable to connect to the server: %s", err->msg);
}
