/* ctl/session: what runs in a container, with our streams: exec and attach over a WebSocket.
 *
 * CONFORMS: channel.k8s.io, v5 (standard input ends singly) and v4: channel 0 is standard input, 1 output, 2
 * errors, 3 how it ended, 4 sizes of the terminal. First thread, which runs the session's loop.
 */
#pragma once

#include "ctl/ctl.h"

struct session {
    struct ctl *c;
    struct str path; /* of the request, with its query */
    int in_fd;       /* -1: no input is sent */
    bool tty;        /* ours becomes raw, and sizes are sent */
    FILE *out, *err; /* NULL: dropped */
    int code;        /* how the command ended: its exit status */
};

/* Runs it until the command ends. 0 with s->code; else what went wrong. Without "error: " before the server's
 * words. */
int session_run(struct session *s, struct problem *p);

/* Whether the stream is a terminal. */
bool stream_is_terminal(FILE *f);
