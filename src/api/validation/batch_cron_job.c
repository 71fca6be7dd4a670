/* Rules of batch/v1 CronJob. */
#include "api/cron.h"
#include "api/time_zone.h"
#include "api/validation/batch.h"
#include "api/validation/meta.h"
#include "api/validation/workload.h"
#include "base/err.h"

#define NAME_BYTES_MAX 52 /* jobs are called <name>-<11 bytes> */
#define ZONE_PART_BYTES_MAX 14

/* old: a schedule with a zone in it that is stored already stays accepted. */
static void check_schedule(struct field_errors *e, const struct field_path *p,
                           const struct batch_cron_job_spec *s, const struct batch_cron_job_spec *old) {
    struct cron cron;
    struct err err = ERR_INIT;
    static const struct str zone = STR_INIT("TZ");
    if (!check_required(e, p, s->schedule))
        return;
    if (cron_parse(s->schedule, &cron, &err) != 0)
        field_invalid(e, p, bad(s->schedule), "%s", err.msg);
    if (str_find(s->schedule, zone) < 0)
        return;
    if (s->time_zone.p)
        field_invalid(e, p, bad(s->schedule), "names a time zone although there is a timeZone");
    else if (!old || str_find(old->schedule, zone) < 0)
        field_invalid(e, p, bad(s->schedule), "cannot name a time zone with TZ or CRON_TZ, set timeZone");
}

static bool is_zone_part(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
              c == '+'))
            return false;
    }
    return s.n >= 1 && s.n <= ZONE_PART_BYTES_MAX;
}

static bool is_zone_text(struct str s) {
    while (s.p) {
        struct str part, rest;
        bool more = str_split(s, '/', &part, &rest);
        if (!is_zone_part(part))
            return false;
        s = more ? rest : STR_NONE;
    }
    return true;
}

static void check_time_zone(struct field_errors *e, const struct field_path *p, struct str name) {
    if (!name.p)
        return;
    if (str_empty(name)) {
        field_invalid(e, p, bad(name), "must be nil or name a time zone");
    } else if (!is_zone_text(name)) {
        field_invalid(e, p, bad(name), "unknown time zone %.*s", STR_ARG(name));
    } else if (str_eq_nocase(name, S("Local"))) {
        field_invalid(e, p, bad(name), "must be a time zone of the IANA database");
    } else {
        struct time_zone *zone = NULL;
        struct err err = ERR_INIT;
        if (time_zone_load(name, &zone, &err) != 0)
            field_invalid(e, p, bad(name), "unknown time zone %.*s", STR_ARG(name));
        time_zone_free(zone);
    }
}

static void check_job_template(struct validation *v, const struct field_path *p,
                               const struct batch_job_template_spec *t,
                               const struct batch_job_template_spec *old) {
    static const struct str manual[] = {STR_INIT("nil"), STR_INIT("false")};
    const struct field_path *spec = at_field(p, "spec");
    check_job_spec(v, spec, &t->spec, old ? &old->spec : NULL, false);
    if (t->spec.selector)
        field_invalid(v->errors, at_field(spec, "selector"),
                      bad_object(v->errors, TY_META_LABEL_SELECTOR, t->spec.selector),
                      "`selector` will be auto-generated");
    if (t->spec.manual_selector.set && t->spec.manual_selector.v)
        field_not_supported(v->errors, at_field(spec, "manualSelector"), bad(t->spec.manual_selector), manual,
                            2);
}

static void check_spec(struct validation *v, const struct batch_cron_job_spec *s,
                       const struct batch_cron_job_spec *old) {
    static const struct str policies[] = {STR_INIT("Allow"), STR_INIT("Forbid"), STR_INIT("Replace")};
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    check_schedule(e, at_field(p, "schedule"), s, old);
    if (s->starting_deadline_seconds.set)
        check_non_negative(e, at_field(p, "startingDeadlineSeconds"), s->starting_deadline_seconds.v);
    if (!old || !str_eq(old->time_zone, s->time_zone))
        check_time_zone(e, at_field(p, "timeZone"), s->time_zone);
    check_enum(e, at_field(p, "concurrencyPolicy"), s->concurrency_policy, STR_SET(policies));
    check_job_template(v, at_field(p, "jobTemplate"), &s->job_template, old ? &old->job_template : NULL);
    check_opt_non_negative(e, at_field(p, "successfulJobsHistoryLimit"), s->successful_jobs_history_limit);
    check_opt_non_negative(e, at_field(p, "failedJobsHistoryLimit"), s->failed_jobs_history_limit);
}

static void create(struct validation *v, const void *object) {
    const struct batch_cron_job *c = object;
    check_spec(v, &c->spec, NULL);
    if (c->metadata.name.n > NAME_BYTES_MAX)
        field_invalid(v->errors, at_field(NULL, "metadata.name"), bad(c->metadata.name),
                      "must be no more than %d bytes", NAME_BYTES_MAX);
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct batch_cron_job *c = object, *old = old_object;
    check_spec(v, &c->spec, &old->spec);
}

const struct validator validator_batch_cron_job = {
    .type = TY_BATCH_CRON_JOB, .name = name_check_dns1123_subdomain, .create = create, .update = update};
