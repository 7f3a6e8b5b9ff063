// The one exception type of the native side; the binding turns it into a TypeError or RangeError.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace nnconv {

class Error : public std::exception {
 public:
  enum class Kind { kType, kRange };

  Error(Kind kind, const char* code, std::string message)
      : kind_(kind), code_(code), message_(std::move(message)) {}

  Kind kind() const { return kind_; }
  const char* code() const { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  Kind kind_;
  const char* code_;
  std::string message_;
};

inline Error value_error(std::string message) {
  return Error(Error::Kind::kRange, "ERR_NNCONV_ARG_VALUE", std::move(message));
}
inline Error shape_error(std::string message) {
  return Error(Error::Kind::kRange, "ERR_NNCONV_SHAPE", std::move(message));
}
inline Error alloc_error(std::string message) {
  return Error(Error::Kind::kRange, "ERR_NNCONV_ALLOC", std::move(message));
}
inline Error unsupported_error(std::string message) {
  return Error(Error::Kind::kRange, "ERR_NNCONV_UNSUPPORTED", std::move(message));
}
inline Error type_error(std::string message) {
  return Error(Error::Kind::kType, "ERR_NNCONV_ARG_TYPE", std::move(message));
}
inline Error buffer_error(std::string message) {
  return Error(Error::Kind::kType, "ERR_NNCONV_BUFFER", std::move(message));
}

}  // namespace nnconv
