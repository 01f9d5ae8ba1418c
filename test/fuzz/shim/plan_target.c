/* Any bytes as a plan. Of one that is accepted every string is looked at, as the steps would. */
#include <stdlib.h>
#include <string.h>
#include "mutate.h"
#include "plan.h"

static volatile size_t seen;

static void look_at(struct strings strings)
{
	uint32_t count = 0;
	for (const char *text; (text = next_string(&strings)); count++)
		seen += strlen(text);
	if (count != strings.count)
		abort(); /* who allocates by the count would be wrong */
}

void try_input(const uint8_t *at, size_t length)
{
	struct plan plan;
	uint32_t step = 0;
	if (decode_plan(at, length, &plan, &step) < 0)
		return;
	seen += strlen(plan.settings.task_directory) + strlen(plan.settings.log_path);
	look_at(plan.settings.tickets);
	look_at(plan.settings.cgroup_paths);
	look_at(plan.settings.shim_cgroup_paths);
	if (plan.count > PLAN_STEPS_LIMIT)
		abort();
}
