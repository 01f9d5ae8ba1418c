#include "arguments.h"

static bool refuse(napi_env env, const char *message)
{
	napi_throw_type_error(env, NULL, message);
	return false;
}

bool args_take(napi_env env, napi_callback_info info, struct args *args, size_t wanted)
{
	args->env = env;
	args->count = MAX_ARGS;
	if (napi_get_cb_info(env, info, &args->count, args->value, NULL, NULL) != napi_ok)
		return refuse(env, "arguments cannot be read");
	return args->count == wanted || refuse(env, "wrong number of arguments");
}

bool arg_int32(struct args *args, size_t at, int32_t *out)
{
	return napi_get_value_int32(args->env, args->value[at], out) == napi_ok || refuse(args->env, "a number is expected");
}

bool arg_int64(struct args *args, size_t at, int64_t *out)
{
	return napi_get_value_int64(args->env, args->value[at], out) == napi_ok || refuse(args->env, "a number is expected");
}

bool arg_path(struct args *args, size_t at, struct path *out)
{
	struct bytes raw;
	napi_valuetype type;
	size_t length;

	if (napi_typeof(args->env, args->value[at], &type) != napi_ok)
		return refuse(args->env, "a path is expected");
	if (type == napi_string) {
		if (napi_get_value_string_utf8(args->env, args->value[at], NULL, 0, &length) != napi_ok || length >= PATH_MAX)
			return refuse(args->env, "the path is too long");
		napi_get_value_string_utf8(args->env, args->value[at], out->bytes, PATH_MAX, &length);
	} else {
		if (!arg_bytes(args, at, &raw))
			return false;
		if (raw.length >= PATH_MAX)
			return refuse(args->env, "the path is too long");
		length = raw.length;
		if (length)
			memcpy(out->bytes, raw.data, length);
		out->bytes[length] = 0;
	}
	return strlen(out->bytes) == length || refuse(args->env, "the path holds a NUL byte");
}

static bool arg_array(struct args *args, size_t at, napi_typedarray_type wanted, void **data, size_t *length)
{
	napi_typedarray_type type;
	bool is = false;

	return napi_is_typedarray(args->env, args->value[at], &is) == napi_ok && is &&
	       napi_get_typedarray_info(args->env, args->value[at], &type, length, data, NULL, NULL) == napi_ok && type == wanted;
}

bool arg_bytes(struct args *args, size_t at, struct bytes *out)
{
	void *data = NULL;

	if (!arg_array(args, at, napi_uint8_array, &data, &out->length))
		return refuse(args->env, "a Uint8Array is expected");
	out->data = data;
	return true;
}

bool arg_int32s(struct args *args, size_t at, struct int32s *out)
{
	void *data = NULL;

	if (!arg_array(args, at, napi_int32_array, &data, &out->length))
		return refuse(args->env, "an Int32Array is expected");
	out->data = data;
	return true;
}

napi_value int_value(napi_env env, int64_t value)
{
	napi_value result = NULL;

	napi_create_int64(env, value, &result);
	return result;
}

napi_value copied_bytes(napi_env env, const void *data, size_t length)
{
	napi_value result = NULL;

	napi_create_buffer_copy(env, length, data, NULL, &result);
	return result;
}

napi_value queued(napi_env env, const char *name, napi_async_execute_callback execute, napi_async_complete_callback complete, void *data, struct promised *promised)
{
	napi_value promise, resource;

	napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource);
	if (napi_create_async_work(env, NULL, resource, execute, complete, data, &promised->handle) != napi_ok)
		return NULL;
	napi_create_promise(env, &promised->deferred, &promise);
	napi_queue_async_work(env, promised->handle);
	return promise;
}
