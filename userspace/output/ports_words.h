/* SPDX-License-Identifier: GPL-2.0 */
/* What a finding about ports or TIME_WAIT means, and its advice, in words. */
#ifndef TCPSTATE_OUTPUT_PORTS_WORDS_H
#define TCPSTATE_OUTPUT_PORTS_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct finding;

void ports_verdict(const struct finding *f, char *buf, size_t len);
/* A rate, with two significant digits or all before the point: 0.35, 512. */
void ports_rate(double per_s, char *buf, size_t len);
/* 40s, 4m30s, 2h05m */
void ports_eta(uint64_t s, char *buf, size_t len);

void say_pool(const struct finding *f, char *buf, size_t len);
void say_peer_first(const struct finding *f, char *buf, size_t len);
void say_tw_reuse(const struct finding *f, char *buf, size_t len);
void say_timestamps(const struct finding *f, char *buf, size_t len);
void say_more_addresses(const struct finding *f, char *buf, size_t len);
void say_wider_range(const struct finding *f, char *buf, size_t len);
void say_fewer_reserved(const struct finding *f, char *buf, size_t len);
void say_bind_no_port(const struct finding *f, char *buf, size_t len);
void say_close_others(const struct finding *f, char *buf, size_t len);
void say_client_first(const struct finding *f, char *buf, size_t len);
void say_keep_alive(const struct finding *f, char *buf, size_t len);
void say_more_buckets(const struct finding *f, char *buf, size_t len);
void say_not_fin_timeout(const struct finding *f, char *buf, size_t len);
void say_not_recycle(const struct finding *f, char *buf, size_t len);
void say_not_reuse(const struct finding *f, char *buf, size_t len);
void say_not_reuse_accepted(const struct finding *f, char *buf, size_t len);
void say_not_wider_range(const struct finding *f, char *buf, size_t len);
void say_not_range_accepted(const struct finding *f, char *buf, size_t len);
void say_not_fewer_buckets(const struct finding *f, char *buf, size_t len);

#endif /* TCPSTATE_OUTPUT_PORTS_WORDS_H */
