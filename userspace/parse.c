// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "parse.h"

#define NS_PER_SEC	1000000000ULL
#define PID_LIMIT	(1U << 22)	/* PID_MAX_LIMIT of the kernel */
#define NETNS_FOLDER	"/run/netns"

static const struct {
	const char *suffix;
	uint64_t ns;
} duration_units[] = {
	{ "",	NS_PER_SEC },
	{ "ms",	NS_PER_SEC / 1000 },
	{ "s",	NS_PER_SEC },
	{ "m",	NS_PER_SEC * 60 },
	{ "h",	NS_PER_SEC * 3600 },
	{ "d",	NS_PER_SEC * 86400 },
};

__attribute__((format(printf, 2, 3)))
static int fail(struct parse_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->why, sizeof(err->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct parse_error *err)
{
	fail(err, "out of memory");
	return -ENOMEM;
}

/* One more element of @size bytes at the end of an array; NULL: no memory. */
static void *grow(void *array, size_t n, size_t size)
{
	return reallocarray(array, n + 1, size);
}

/*
 * Call @one for each comma-separated item of @text, none of them empty.
 */
static int each_item(const char *text, void *list, struct parse_error *err,
		     int (*one)(const char *item, void *list,
				struct parse_error *err))
{
	char *copy, *item, *next;
	int ret = 0;

	copy = strdup(text);
	if (!copy)
		return no_memory(err);
	for (item = copy; item && !ret; item = next) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		ret = *item ? one(item, list, err) :
			      fail(err, "a value is missing");
	}
	free(copy);
	return ret;
}

/* Digits of @text to *@value; what follows them, or NULL if none or too many. */
static const char *digits(const char *text, uint64_t *value)
{
	uint64_t sum = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, *p - '0', &sum))
			return NULL;
	}
	if (p == text)
		return NULL;
	*value = sum;
	return p;
}

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value,
		 struct parse_error *err)
{
	const char *end;
	uint64_t sum;

	end = digits(text, &sum);
	if (!end || *end || sum < min || sum > max) {
		if (max == UINT64_MAX)
			return fail(err, "not a whole number from %llu up",
				    (unsigned long long)min);
		return fail(err, "not a whole number from %llu to %llu",
			    (unsigned long long)min, (unsigned long long)max);
	}
	*value = sum;
	return 0;
}

int parse_bytes(const char *text, uint64_t *bytes, struct parse_error *err)
{
	static const char units[] = "KMG";
	const char *end = text, *unit;
	unsigned int shift = 0;

	if (*text >= '0' && *text <= '9')
		end = digits(text, bytes);
	if (end && *end && end != text) {
		unit = strchr(units, *end++);
		if (!unit)
			end = text;
		else
			shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (end == text || (end && *end) || (end && !*bytes))
		return fail(err, "a size is a number of bytes, with K, M or G");
	if (!end || *bytes > UINT64_MAX >> shift)
		return fail(err, "too large");
	*bytes <<= shift;
	return 0;
}

static int bad_duration(struct parse_error *err)
{
	return fail(err, "a duration is a number with ms, s, m, h or d");
}

/* Digits after the point, as parts of a unit of @unit ns. */
static const char *fraction(const char *p, uint64_t unit, uint64_t *ns)
{
	uint64_t sum = 0, scale = 1;

	/* Beyond 9 digits, the parts are below a nanosecond or close to it. */
	for (; *p >= '0' && *p <= '9'; p++) {
		if (scale == NS_PER_SEC)
			continue;
		sum = sum * 10 + (uint64_t)(*p - '0');
		scale *= 10;
	}
	*ns = (uint64_t)((unsigned __int128)unit * sum / scale);
	return p;
}

int parse_duration(const char *text, uint64_t *ns, struct parse_error *err)
{
	const char *suffix = text + strspn(text, "0123456789.");
	const char *end = text, *point;
	uint64_t whole = 0, part = 0;
	size_t i;

	if (*text == '-')
		return fail(err, "a duration cannot be negative");
	for (i = 0; i < sizeof(duration_units) / sizeof(*duration_units); i++)
		if (!strcmp(suffix, duration_units[i].suffix))
			break;
	if (i == sizeof(duration_units) / sizeof(*duration_units))
		return bad_duration(err);

	if (*text != '.') {
		if (!(*text >= '0' && *text <= '9'))
			return bad_duration(err);
		end = digits(text, &whole);
		if (!end)
			return fail(err, "too long a duration");
	}
	if (*end == '.') {
		point = end + 1;
		end = fraction(point, duration_units[i].ns, &part);
		if (end == point)
			return bad_duration(err);
	}
	if (end != suffix)
		return bad_duration(err);
	/* Half of the range, so that it can be added to the clock. */
	if (__builtin_mul_overflow(whole, duration_units[i].ns, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) ||
	    whole > INT64_MAX / 2)
		return fail(err, "too long a duration");
	*ns = whole;
	return 0;
}

static int bad_port(const char *item, struct parse_error *err)
{
	return fail(err, "\"%.40s\" is no port or range of ports (1 to 65535)",
		    item);
}

static int one_port(const char *item, void *list, struct parse_error *err)
{
	struct ports *ports = list;
	struct port_range *v;
	uint64_t lo, hi;
	const char *end;

	end = digits(item, &lo);
	if (!end)
		return bad_port(item, err);
	hi = lo;
	if (*end == '-')
		end = digits(end + 1, &hi);
	if (!end || *end || !lo || hi > UINT16_MAX)
		return bad_port(item, err);
	if (lo > hi)
		return fail(err, "the range \"%.40s\" is empty", item);

	v = grow(ports->v, ports->n, sizeof(*v));
	if (!v)
		return no_memory(err);
	ports->v = v;
	v[ports->n++] = (struct port_range){ .lo = lo, .hi = hi };
	return 0;
}

int parse_ports(const char *text, struct ports *ports, struct parse_error *err)
{
	return each_item(text, ports, err, one_port);
}

static void cidr_mask(struct cidr *cidr)
{
	unsigned int i;

	for (i = 0; i < sizeof(cidr->addr); i++) {
		unsigned int left = cidr->bits > i * 8 ? cidr->bits - i * 8 : 0;

		if (left < 8)
			cidr->addr[i] &= (uint8_t)(0xff00 >> left);
	}
}

/* The engine and the wire call ::ffff:a.b.c.d IPv4, and so do filters. */
static void cidr_unmap(struct cidr *cidr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (cidr->family != 6 || cidr->bits < 96 ||
	    memcmp(cidr->addr, mapped, sizeof(mapped)))
		return;
	cidr->family = 4;
	cidr->bits -= 96;
	memmove(cidr->addr, cidr->addr + 12, 4);
	memset(cidr->addr + 4, 0, 12);
}

static int one_cidr(const char *item, void *list, struct parse_error *err)
{
	struct cidr cidr = {}, *v;
	struct cidrs *cidrs = list;
	char host[INET6_ADDRSTRLEN + 1];
	const char *slash = item + strcspn(item, "/");
	size_t len = (size_t)(slash - item);
	uint64_t bits, max;

	snprintf(host, sizeof(host), "%.*s", (int)len, item);
	if (len < sizeof(host) && inet_pton(AF_INET, host, cidr.addr) == 1)
		cidr.family = 4;
	else if (len < sizeof(host) && inet_pton(AF_INET6, host, cidr.addr) == 1)
		cidr.family = 6;
	else
		return fail(err, "\"%.60s\" is no IPv4 or IPv6 address", item);

	max = cidr.family == 4 ? 32 : 128;
	bits = max;
	if (*slash && parse_number(slash + 1, 0, max, &bits, err))
		return fail(err, "the prefix length of \"%.60s\" is no number from 0 to %u",
			    item, (unsigned int)max);
	cidr.bits = bits;
	cidr_unmap(&cidr);
	cidr_mask(&cidr);

	v = grow(cidrs->v, cidrs->n, sizeof(*v));
	if (!v)
		return no_memory(err);
	cidrs->v = v;
	v[cidrs->n++] = cidr;
	return 0;
}

int parse_cidrs(const char *text, struct cidrs *cidrs, struct parse_error *err)
{
	return each_item(text, cidrs, err, one_cidr);
}

static int one_state(const char *item, void *list, struct parse_error *err)
{
	uint32_t *states = list;
	unsigned int state = state_parse(item);

	if (!state)
		return fail(err, "\"%.40s\" is no TCP state such as close-wait",
			    item);
	*states |= 1U << state;
	return 0;
}

int parse_states(const char *text, uint32_t *states, struct parse_error *err)
{
	return each_item(text, states, err, one_state);
}

static int add_number(struct numbers *numbers, uint64_t number,
		      struct parse_error *err)
{
	uint64_t *v = grow(numbers->v, numbers->n, sizeof(*v));

	if (!v)
		return no_memory(err);
	numbers->v = v;
	v[numbers->n++] = number;
	return 0;
}

static int one_pid(const char *item, void *list, struct parse_error *err)
{
	uint64_t pid;

	if (parse_number(item, 1, PID_LIMIT, &pid, err))
		return fail(err, "\"%.40s\" is no process id", item);
	return add_number(list, pid, err);
}

int parse_pids(const char *text, struct numbers *pids, struct parse_error *err)
{
	return each_item(text, pids, err, one_pid);
}

static int one_uid(const char *item, void *list, struct parse_error *err)
{
	const struct passwd *user;
	uint64_t uid;

	/* The last value is (uid_t)-1, which means none. */
	if (!parse_number(item, 0, UINT32_MAX - 1, &uid, err))
		return add_number(list, uid, err);
	user = getpwnam(item);
	if (!user)
		return fail(err, "there is no user \"%.40s\"", item);
	((struct numbers *)list)->looked_up = true;
	return add_number(list, user->pw_uid, err);
}

int parse_uids(const char *text, struct numbers *uids, struct parse_error *err)
{
	return each_item(text, uids, err, one_uid);
}

static int one_word(const char *item, void *list, struct parse_error *err)
{
	struct words *words = list;
	char **v = grow(words->v, words->n, sizeof(*v));

	if (!v)
		return no_memory(err);
	words->v = v;
	v[words->n] = strdup(item);
	if (!v[words->n])
		return no_memory(err);
	words->n++;
	return 0;
}

int parse_words(const char *text, struct words *words, struct parse_error *err)
{
	return each_item(text, words, err, one_word);
}

static int netns_of_path(const char *path, const char *item,
			 struct numbers *inodes, struct parse_error *err)
{
	struct stat st;

	inodes->looked_up = true;
	if (stat(path, &st))
		return fail(err, "no network namespace \"%.60s\": %s", item,
			    strerror(errno));
	return add_number(inodes, st.st_ino, err);
}

static int one_netns(const char *item, void *list, struct parse_error *err)
{
	char path[512];
	uint64_t number;

	if (!strncmp(item, "pid:", 4)) {
		if (parse_number(item + 4, 1, PID_LIMIT, &number, err))
			return fail(err, "\"%.40s\" is no process id", item + 4);
		snprintf(path, sizeof(path), "/proc/%u/ns/net",
			 (unsigned int)number);
		return netns_of_path(path, item, list, err);
	}
	if (!parse_number(item, 1, UINT32_MAX, &number, err))
		return add_number(list, number, err);
	if (strchr(item, '/'))
		return netns_of_path(item, item, list, err);
	if (strlen(item) + sizeof(NETNS_FOLDER "/") > sizeof(path))
		return fail(err, "too long a name");
	snprintf(path, sizeof(path), NETNS_FOLDER "/%s", item);
	return netns_of_path(path, item, list, err);
}

int parse_netns(const char *text, struct numbers *inodes,
		struct parse_error *err)
{
	return each_item(text, inodes, err, one_netns);
}

void numbers_free(struct numbers *numbers)
{
	free(numbers->v);
	*numbers = (struct numbers){};
}

void words_free(struct words *words)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		free(words->v[i]);
	free(words->v);
	*words = (struct words){};
}
