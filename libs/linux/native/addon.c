/* What Node lacks of Linux: one function a system call, 0 or more, or -errno. Meaning is in TypeScript. */
#include "arguments.h"

static void export_all(napi_env env, napi_value exports, const struct function *functions)
{
	for (; functions->name; functions++) {
		napi_value value;

		if (napi_create_function(env, functions->name, NAPI_AUTO_LENGTH, functions->call, NULL, &value) == napi_ok)
			napi_set_named_property(env, exports, functions->name, value);
	}
}

NAPI_MODULE_INIT()
{
	export_all(env, exports, process_functions);
	export_all(env, exports, network_functions);
	export_all(env, exports, file_functions);
	export_all(env, exports, mount_functions);
	export_all(env, exports, user_functions);
	return exports;
}
