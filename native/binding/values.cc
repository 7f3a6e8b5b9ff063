#include "binding/values.h"

#include <algorithm>
#include <cmath>

#include "problem/error.h"

namespace nnconv {
namespace {

// Numbers as JS writes them.
std::string number_text(const Napi::Value& value) { return value.ToString().Utf8Value(); }

std::string cut(const std::string& text) {
  constexpr size_t kMost = 40;
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

PaddingMode to_padding_mode(const Napi::Value& value) {
  const std::string mode = to_name(value, "paddingMode");
  if (mode == "zeros") return PaddingMode::kConstant;
  if (mode == "reflect") return PaddingMode::kReflect;
  if (mode == "replicate") return PaddingMode::kReplicate;
  if (mode == "circular") return PaddingMode::kCircular;
  throw value_error("paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got '" +
                    mode + "'");
}

}  // namespace

std::string describe(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number:
      return number_text(value);
    case napi_string:
      return "'" + cut(value.As<Napi::String>().Utf8Value()) + "'";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    case napi_object:
      return value.IsArray() ? "an array" : value.IsTypedArray() ? "a typed array" : "an object";
    default:
      return "an external value";
  }
}

int64_t to_integer(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) throw type_error(name + " must be an integer, got " + describe(value));
  const double number = value.As<Napi::Number>().DoubleValue();
  constexpr double kMaxSafe = 9007199254740991.0;
  if (!(std::fabs(number) <= kMaxSafe) || std::floor(number) != number)
    throw value_error(name + " must be an integer below 2^53, got " + number_text(value));
  return static_cast<int64_t>(number);
}

double to_number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) throw type_error(name + " must be a number, got " + describe(value));
  return value.As<Napi::Number>().DoubleValue();
}

bool to_boolean(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) throw type_error(name + " must be a boolean, got " + describe(value));
  return value.As<Napi::Boolean>().Value();
}

std::string to_name(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) throw type_error(name + " must be a string, got " + describe(value));
  return cut(value.As<Napi::String>().Utf8Value());
}

Napi::Object to_object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject() || value.IsArray() || value.IsFunction())
    throw type_error(name + " must be an object, got " + describe(value));
  return value.As<Napi::Object>();
}

std::vector<int64_t> to_integers(const Napi::Value& value, const std::string& name, uint32_t most) {
  if (!value.IsArray())
    throw type_error(name + " must be an array of integers, got " + describe(value));
  const Napi::Array array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  if (length > most)
    throw value_error(name + " must have at most " + std::to_string(most) + " values, got " +
                      std::to_string(length));
  std::vector<int64_t> result;
  for (uint32_t i = 0; i < length; ++i)
    result.push_back(to_integer(array.Get(i), name + "[" + std::to_string(i) + "]"));
  return result;
}

Dims to_dims(const Napi::Object& spec, const char* key, size_t dims, int64_t fill) {
  const std::vector<int64_t> values = to_integers(spec.Get(key), key);
  if (values.size() != dims)
    throw value_error(std::string(key) + " must have " + std::to_string(dims) +
                      " values, as many as kernel has, got " + format_list(values));
  Dims result{fill, fill, fill};
  std::copy(values.begin(), values.end(), result.end() - values.size());
  return result;
}

ConvSpec to_conv_spec(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "spec");
  ConvSpec spec;
  const std::vector<int64_t> kernel = to_integers(object.Get("kernel"), "kernel");
  if (kernel.empty() || kernel.size() > kMaxDims)
    throw value_error("kernel must have 1 to 3 dimensions, got " + format_list(kernel));
  const size_t dims = kernel.size();
  spec.dims = static_cast<int>(dims);
  spec.transposed = to_boolean(object.Get("transposed"), "transposed");
  spec.in_channels = to_integer(object.Get("inChannels"), "inChannels");
  spec.out_channels = to_integer(object.Get("outChannels"), "outChannels");
  spec.groups = to_integer(object.Get("groups"), "groups");
  std::copy(kernel.begin(), kernel.end(), spec.kernel.end() - dims);
  spec.stride = to_dims(object, "stride", dims, 1);
  spec.dilation = to_dims(object, "dilation", dims, 1);
  spec.pad_low = to_dims(object, "padLow", dims, 0);
  spec.pad_high = to_dims(object, "padHigh", dims, 0);
  spec.output_padding = to_dims(object, "outputPadding", dims, 0);
  spec.padding_mode = to_padding_mode(object.Get("paddingMode"));
  return spec;
}

ConvOptions to_conv_options(const Napi::Value& value, int dims) {
  ConvOptions options;
  if (value.IsUndefined()) return options;
  const Napi::Object object = to_object(value, "options");
  const Napi::Value output_padding = object.Get("outputPadding");
  if (!output_padding.IsUndefined()) {
    options.has_output_padding = true;
    options.output_padding = to_dims(object, "outputPadding", static_cast<size_t>(dims), 0);
  }
  const Napi::Value strict = object.Get("strict");
  if (!strict.IsUndefined()) options.strict = to_boolean(strict, "strict");
  const Napi::Value algorithm = object.Get("algorithm");
  if (!algorithm.IsUndefined()) {
    options.algorithm = to_name(algorithm, "algorithm");
    if (options.algorithm.empty())
      throw unsupported_error("algorithm must be the name of one, got ''");
  }
  return options;
}

int64_t length_of(const Napi::Value& value) {
  return value.IsTypedArray() ? static_cast<int64_t>(value.As<Napi::TypedArray>().ElementLength())
                              : 0;
}

const float* to_floats(const Napi::Value& value, const std::string& name, int64_t length) {
  if (!value.IsTypedArray())
    throw type_error(name + " must be a Float32Array, got " + describe(value));
  napi_typedarray_type type;
  size_t count = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, &type, &count, &data, &buffer, nullptr) !=
          napi_ok ||
      type != napi_float32_array)
    throw type_error(name + " must be a Float32Array, got another typed array");
  bool plain = false, detached = false;
  napi_is_arraybuffer(value.Env(), buffer, &plain);
  if (!plain)
    throw buffer_error(name +
                       " must not be backed by a SharedArrayBuffer: another thread could "
                       "write to it during the call");
  napi_is_detached_arraybuffer(value.Env(), buffer, &detached);
  if (detached)
    throw buffer_error(name + " is backed by a detached ArrayBuffer (was it transferred?)");
  if (static_cast<int64_t>(count) != length)
    throw shape_error(name + " must hold " + std::to_string(length) + " elements, got " +
                      std::to_string(count));
  return static_cast<const float*>(data);
}

const float* to_floats_or_null(const Napi::Value& value, const std::string& name, int64_t length) {
  return value.IsNull() ? nullptr : to_floats(value, name, length);
}

Napi::Object shaped(Napi::Env env, const Napi::Value& data, const std::vector<int64_t>& shape) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", data);
  result.Set("shape", from_integers(env, shape));
  return result;
}

Napi::Array from_integers(Napi::Env env, const std::vector<int64_t>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i)
    array.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(values[i])));
  return array;
}

}  // namespace nnconv
