// JS values to plain C++ ones, checked. Throws nnconv::Error, or Napi::Error where user code (a
// getter, a proxy) threw.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "algorithm/conv.h"
#include "problem/conv_problem.h"

namespace nnconv {

// An integer with |value| <= 2^53 - 1.
int64_t to_integer(const Napi::Value& value, const std::string& name);
// Any number, NaN and infinities included.
double to_number(const Napi::Value& value, const std::string& name);
bool to_boolean(const Napi::Value& value, const std::string& name);
// A short name; whatever is longer is cut.
std::string to_name(const Napi::Value& value, const std::string& name);
// As many dimensions as a tensor may have.
constexpr uint32_t kMostDimensions = 64;
// An array of integers, at most `most` of them.
std::vector<int64_t> to_integers(const Napi::Value& value, const std::string& name,
                                 uint32_t most = 16);
Napi::Object to_object(const Napi::Value& value, const std::string& name);

// The integers under `key`, one for each of `dims` dimensions, placed at the end.
Dims to_dims(const Napi::Object& spec, const char* key, size_t dims, int64_t fill);

ConvSpec to_conv_spec(const Napi::Value& value);
// `value` may be undefined.
ConvOptions to_conv_options(const Napi::Value& value, int dims);

// The number of elements of whatever typed array stands there; to_floats complains of the others.
int64_t length_of(const Napi::Value& value);
// The data of a Float32Array of exactly `length` elements. Read it last: no JS may run between this
// and the use of the pointer.
const float* to_floats(const Napi::Value& value, const std::string& name, int64_t length);
// The same, or null for null.
const float* to_floats_or_null(const Napi::Value& value, const std::string& name, int64_t length);

// What JS gets of a tensor: { data, shape }.
Napi::Object shaped(Napi::Env env, const Napi::Value& data, const std::vector<int64_t>& shape);

Napi::Array from_integers(Napi::Env env, const std::vector<int64_t>& values);

// What a message shows of a value of the wrong kind.
std::string describe(const Napi::Value& value);

}  // namespace nnconv
