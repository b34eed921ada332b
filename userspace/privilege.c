// SPDX-License-Identifier: GPL-2.0
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"

#define CAP(n) (UINT64_C(1) << (n))

bool privilege_to_trace(void)
{
	const uint64_t needed = CAP(CAP_BPF) | CAP(CAP_PERFMON) |
				CAP(CAP_NET_ADMIN);
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t have;

	if (syscall(SYS_capget, &head, data))
		return geteuid() == 0;
	have = (uint64_t)data[1].effective << 32 | data[0].effective;
	return (have & CAP(CAP_SYS_ADMIN)) || (have & needed) == needed;
}
