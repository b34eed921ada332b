// SPDX-License-Identifier: GPL-2.0
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"

#define CAP(n) (UINT64_C(1) << (n))

/* False if they cannot be read. */
static bool effective(uint64_t *have)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return false;
	*have = (uint64_t)data[1].effective << 32 | data[0].effective;
	return true;
}

bool privilege_to_trace(void)
{
	const uint64_t needed = CAP(CAP_BPF) | CAP(CAP_PERFMON) |
				CAP(CAP_NET_ADMIN);
	uint64_t have;

	if (!effective(&have))
		return geteuid() == 0;
	return (have & CAP(CAP_SYS_ADMIN)) || (have & needed) == needed;
}

bool privilege_to_administer(void)
{
	uint64_t have;

	return effective(&have) ? have & CAP(CAP_SYS_ADMIN) : geteuid() == 0;
}
