/* Decodes plans. Every length is checked against what is left before it is used; nothing is allocated. */
#include <string.h>
#define PLAN_DECODERS
#include "plan.h"

static bool take(struct cursor *from, void *to, size_t size)
{
	if ((size_t)(from->end - from->at) < size)
		return false;
	memcpy(to, from->at, size);
	from->at += size;
	return true;
}

bool take_u8(struct cursor *from, uint8_t *to) { return take(from, to, 1); }
bool take_u16(struct cursor *from, uint16_t *to) { return take(from, to, 2); }
bool take_u32(struct cursor *from, uint32_t *to) { return take(from, to, 4); }
bool take_u64(struct cursor *from, uint64_t *to) { return take(from, to, 8); }
bool take_flag(struct cursor *from, uint32_t *to) { return take_u32(from, to) && *to <= 1; }

bool take_string(struct cursor *from, const char **to)
{
	uint32_t length;
	if (!take_u32(from, &length) || (size_t)(from->end - from->at) <= length)
		return false;
	if (from->at[length] != 0 || memchr(from->at, 0, length))
		return false;
	*to = (const char *)from->at;
	from->at += length + 1;
	return true;
}

bool take_bytes(struct cursor *from, struct bytes *to)
{
	if (!take_u32(from, &to->length) || (size_t)(from->end - from->at) < to->length)
		return false;
	to->at = from->at;
	from->at += to->length;
	return true;
}

bool take_strings(struct cursor *from, struct strings *to)
{
	if (!take_u32(from, &to->count))
		return false;
	to->from.at = from->at;
	for (uint32_t i = 0; i < to->count; i++) {
		const char *item;
		if (!take_string(from, &item))
			return false;
	}
	to->from.end = from->at;
	return true;
}

const char *next_string(struct strings *from)
{
	const char *item;
	return take_string(&from->from, &item) ? item : NULL;
}

struct step { uint16_t code; uint8_t actor; uint32_t number; struct cursor operands; };

static bool next_step(struct cursor *from, struct step *step)
{
	struct bytes operands;
	if (!take_u16(from, &step->code) || !take_u8(from, &step->actor) || !take_u32(from, &step->number) || !take_bytes(from, &operands))
		return false;
	step->operands = (struct cursor){ operands.at, operands.at + operands.length };
	return true;
}

int decode_plan(const uint8_t *at, size_t length, struct plan *plan, uint32_t *failed)
{
	struct cursor from = { at, at + length };
	uint32_t magic, version;
	*failed = UINT32_MAX;
	if (!take_u32(&from, &magic) || !take_u32(&from, &version) || magic != PLAN_MAGIC)
		return -EBADMSG;
	if (version != PLAN_VERSION)
		return -EPROTONOSUPPORT;
	if (!decode_plan_settings(&from, &plan->settings) || !take_u32(&from, &plan->count) || plan->count > PLAN_STEPS_LIMIT)
		return -EBADMSG;
	plan->steps = from;
	for (uint32_t i = 0; i < plan->count; i++) {
		struct step step;
		*failed = i;
		if (!next_step(&from, &step) || step.number != i || step.actor > ACTOR_HANDOVER)
			return -EBADMSG;
		int result = dispatch(step.code, &step.operands, NULL);
		if (result < 0)
			return result;
	}
	return from.at == from.end ? 0 : -EBADMSG;
}

bool has_steps(const struct plan *plan, enum actor actor)
{
	struct cursor from = plan->steps;
	struct step step;
	for (uint32_t i = 0; i < plan->count && next_step(&from, &step); i++)
		if (step.actor == actor)
			return true;
	return false;
}

int perform_steps(const struct plan *plan, enum actor actor, struct context *at, uint32_t *failed, bool keep_going)
{
	struct cursor from = plan->steps;
	int first = 0;
	for (uint32_t i = 0; i < plan->count; i++) {
		struct step step;
		if (!next_step(&from, &step))
			return -EBADMSG;
		if (step.actor != actor)
			continue;
		at->step = i;
		int result = dispatch(step.code, &step.operands, at);
		*failed = at->step; /* `exec` does what was put off, too */
		if (at->times)
			at->times->done[i] = monotonic_ns();
		if (result < 0 && !keep_going)
			return result;
		if (result < 0 && !first)
			first = result;
	}
	return first;
}

void close_held(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
