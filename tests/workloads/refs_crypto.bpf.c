// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to cipher contexts. To create one may sleep; all else may not.
 */
#include "refs.bpf.h"

struct crypto_parameters {
	char type[14];
	__u8 reserved[2];
	char algorithm[128];
	__u8 key[256];
	u32 key_length;
	u32 authentication_size;
} __attribute__((aligned(8)));

struct bpf_crypto_ctx {
	struct refcount usage;
} __attribute__((preserve_access_index));

struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct crypto_parameters *params, u32 params__sz,
					     int *err) __kfunc;
struct bpf_crypto_ctx *bpf_crypto_ctx_acquire(struct bpf_crypto_ctx *ctx) __kfunc;
void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx) __kfunc;

/* clang-format off */
#define FOR_EACH_ROW(may_fail, cannot)								\
	may_fail(pair_cipher, bpf_crypto_ctx_create)						\
	may_fail(pair_cipher, bpf_crypto_ctx_acquire)						\
	cannot(pair_cipher, bpf_crypto_ctx_release)						\
	may_fail(no_cipher, bpf_crypto_ctx_create)						\
	cannot(no_cipher, bpf_crypto_ctx_release)						\
	may_fail(park_cipher, bpf_crypto_ctx_create)						\
	cannot(park_cipher, bpf_crypto_ctx_release)						\
	may_fail(doom_cipher, bpf_crypto_ctx_create)						\
	may_fail(doom_cipher, bpf_crypto_ctx_acquire)						\
	cannot(doom_cipher, bpf_crypto_ctx_release)						\
	cannot(use_cipher, bpf_rcu_read_lock)							\
	may_fail(use_cipher, bpf_crypto_ctx_acquire)						\
	cannot(use_cipher, bpf_crypto_ctx_release)						\
	cannot(use_cipher, bpf_rcu_read_unlock)							\
	cannot(drop_cipher, bpf_crypto_ctx_release)
/* clang-format on */

enum { FOR_EACH_ROW(NAME_OF_ROW, NAME_OF_ROW) KERNEL_RELEASE };

/* A map's destructor goes through the kfunc. */
TRUTH = { FOR_EACH_ROW(MAY_FAIL, CANNOT)[KERNEL_RELEASE] = KERNEL_CALLS(bpf_crypto_ctx_release) };

struct slot {
	struct bpf_crypto_ctx owned *cipher;
};

SLOTS(parked_ciphers, struct slot, 64);
SLOTS(doomed_ciphers, struct slot, 64);

struct crypto_parameters cipher = {
	.type = "skcipher",
	.algorithm = "ecb(aes)",
	.key = "sixteen of bytes",
	.key_length = 16,
};

struct crypto_parameters unknown_cipher = {
	.type = "skcipher",
	.algorithm = "no such cipher",
	.key = "sixteen of bytes",
	.key_length = 16,
};

#define CREATE(program, parameters)                                                                \
	({                                                                                         \
		int err__ = 0;                                                                     \
		struct bpf_crypto_ctx *made__;                                                     \
                                                                                                   \
		made__ = RESULT(program, bpf_crypto_ctx_create, &(parameters), sizeof(parameters), \
				&err__);                                                           \
		step.value = err__;                                                                \
		made__;                                                                            \
	})

SEC("syscall")
int pair_cipher(void *context)
{
	struct bpf_crypto_ctx *made, *again;

	made = CREATE(pair_cipher, cipher);
	if (!made)
		return 0;
	again = RESULT(pair_cipher, bpf_crypto_ctx_acquire, made);
	if (again) {
		VOID(pair_cipher, bpf_crypto_ctx_release, again);
		step_done();
	}
	VOID(pair_cipher, bpf_crypto_ctx_release, made);
	return 0;
}

SEC("syscall")
int no_cipher(void *context)
{
	struct bpf_crypto_ctx *made;

	made = CREATE(no_cipher, unknown_cipher);
	if (made)
		VOID(no_cipher, bpf_crypto_ctx_release, made);
	else
		step_done();
	return 0;
}

SEC("syscall")
int park_cipher(void *context)
{
	struct bpf_crypto_ctx *made;

	made = CREATE(park_cipher, cipher);
	if (!made)
		return 0;
	step.address = (u64)made;
	made = park(parked_ciphers, offsetof(struct slot, cipher), made);
	if (made)
		VOID(park_cipher, bpf_crypto_ctx_release, made);
	else
		step_done();
	return 0;
}

/* Of two references one is in each map. */
SEC("syscall")
int doom_cipher(void *context)
{
	struct bpf_crypto_ctx *made, *again;
	int left = 0;

	made = CREATE(doom_cipher, cipher);
	if (!made)
		return 0;
	step.address = (u64)made;
	again = RESULT(doom_cipher, bpf_crypto_ctx_acquire, made);
	if (!again) {
		VOID(doom_cipher, bpf_crypto_ctx_release, made);
		return 0;
	}
	made = park(doomed_ciphers, offsetof(struct slot, cipher), made);
	again = park(parked_ciphers, offsetof(struct slot, cipher), again);
	if (made) {
		VOID(doom_cipher, bpf_crypto_ctx_release, made);
		left++;
	}
	if (again) {
		VOID(doom_cipher, bpf_crypto_ctx_release, again);
		left++;
	}
	if (!left)
		step_done();
	return 0;
}

/* Of what is parked, for a moment. */
SEC("syscall")
int use_cipher(void *context)
{
	struct bpf_crypto_ctx *parked;
	struct slot *slot;
	u32 key = step.key;

	slot = bpf_map_lookup_elem(&parked_ciphers, &key);
	if (!slot)
		return 0;
	VOID(use_cipher, bpf_rcu_read_lock);
	parked = slot->cipher;
	if (parked) {
		parked = RESULT(use_cipher, bpf_crypto_ctx_acquire, parked);
		if (parked) {
			VOID(use_cipher, bpf_crypto_ctx_release, parked);
			step_done();
		}
	}
	VOID(use_cipher, bpf_rcu_read_unlock);
	return 0;
}

SEC("syscall")
int drop_cipher(void *context)
{
	struct bpf_crypto_ctx *parked;

	parked = park(parked_ciphers, offsetof(struct slot, cipher), (struct bpf_crypto_ctx *)NULL);
	if (parked) {
		VOID(drop_cipher, bpf_crypto_ctx_release, parked);
		step_done();
	}
	return 0;
}

SEC("syscall")
int read_cipher(void *context)
{
	struct bpf_crypto_ctx *made = (void *)step.address;

	step.value = BPF_CORE_READ(made, usage.refs.counter);
	step_done();
	return 0;
}
