#include "server/json_fields.h"

namespace ondol::server {
namespace {

json::object parse(std::string body) {
  Request request;
  request.body = std::move(body);
  auto object = read_json_object(request);
  EXPECT_TRUE(object.has_value()) << object.error().message();
  return std::move(object).value();
}

std::string body_error(std::string body) {
  Request request;
  request.body = std::move(body);
  auto object = read_json_object(request);
  return object ? "" : object.error().message();
}

template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error().message();
}

TEST(JsonFields, TypesAndAbsence) {
  const json::object object = parse(
      R"({"s":"text","b":true,"i":-3,"w":3.0,"d":1.5,"n":null,"o":{"x":1},"a":["p","q"],"u":18446744073709551615})");
  EXPECT_EQ(field<std::string>(object, "s").value(), "text");
  EXPECT_EQ(field<std::string_view>(object, "s").value(), "text");
  EXPECT_EQ(field<bool>(object, "b").value(), true);
  EXPECT_EQ(field<int>(object, "i").value(), -3);
  EXPECT_EQ(field<int64_t>(object, "w").value(), 3);
  EXPECT_EQ(field<uint64_t>(object, "u").value(), UINT64_MAX);
  EXPECT_EQ(field<double>(object, "d").value(), 1.5);
  EXPECT_EQ(field<float>(object, "i").value(), -3.0f);
  EXPECT_EQ(field<const json::object*>(object, "o").value()->at("x").as_int64(), 1);
  EXPECT_EQ(field<const json::array*>(object, "a").value()->size(), 2u);
  EXPECT_EQ(field<std::vector<std::string>>(object, "a").value(), (std::vector<std::string>{"p", "q"}));
  EXPECT_FALSE(optional_field<int>(object, "n").value().has_value());
  EXPECT_FALSE(optional_field<int>(object, "none").value().has_value());
  EXPECT_EQ(field_or<int>(object, "n", 7).value(), 7);
  EXPECT_EQ(field_or<std::string>(object, "s", "other").value(), "text");
  EXPECT_EQ(field_between<int>(object, "i", -3, 5).value(), -3);
  EXPECT_FALSE(field_between<double>(object, "none", 0, 1).value().has_value());
}

TEST(JsonFields, ErrorsNameThePlace) {
  const json::object object =
      parse(R"({"messages":[{},{"role":3,"parts":["a",{}]}],"t":3,"big":3000000000,"half":0.5})");
  const JsonPath messages(JsonPath::root(), "messages");
  const JsonPath second(messages, 1);
  const json::object& message = object.at("messages").as_array()[1].as_object();
  EXPECT_EQ(error_of(field<std::string>(message, "role", second)), "messages[1].role: expected a string, got 3");
  EXPECT_EQ(error_of(field<std::string>(message, "name", second)),
            "messages[1].name: expected a string, but it is missing");
  EXPECT_EQ(error_of(field<std::vector<std::string>>(message, "parts", second)),
            "messages[1].parts[1]: expected a string, got an object");
  EXPECT_EQ(error_of(field<bool>(object, "messages")), "messages: expected true or false, got a list");
  EXPECT_EQ(error_of(field_between<double>(object, "t", 0, 2)), "t: expected a number from 0 to 2, got 3");
  EXPECT_EQ(error_of(field_or<int>(object, "half", 1)), "half: expected a whole number, got 5E-1");
  EXPECT_EQ(error_of(field<int>(object, "big")),
            "big: expected a whole number from -2147483648 to 2147483647, got 3000000000");
  const HttpError error = field_error(field<std::string>(message, "role", second).error());
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.parameter, "messages[1].role");
  EXPECT_EQ(error.type, "invalid_request_error");
}

TEST(JsonFields, LongValuesAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\xea\xb0\x80";
  const json::object object = parse("{\"a\":\"" + text + "\"}");
  const std::string message = error_of(field<int>(object, "a"));
  EXPECT_LT(message.size(), 150u);
  EXPECT_TRUE(message.ends_with("\xea\xb0\x80...")) << message;
}

TEST(JsonFields, BodiesThatAreNoObject) {
  EXPECT_EQ(body_error(" "), "the request's body is empty: expected a JSON object");
  EXPECT_EQ(body_error("[1]"), "the request's body: expected a JSON object, got a list");
  EXPECT_TRUE(body_error("{\"a\": 1,\n  oops}").starts_with("the request's body: line 2, column 3: not valid JSON"));
  EXPECT_NE(body_error("{\"a\":\"\xff\"}"), "");
  EXPECT_NE(body_error("{\"a\":\"\xed\xa0\x80\"}"), "");
  EXPECT_NE(body_error("{\"a\":1} x"), "");
  EXPECT_NE(body_error("{\"a\":" + std::string(100000, '[')), "");
  EXPECT_NE(body_error("{\"a\":[" + std::string(kMaxJsonValues + 1, ',')).find("more than"), std::string::npos);
  const HttpError error = field_error(Error(body_error("[1]")));
  EXPECT_EQ(error.parameter, "");
}

}  // namespace
}  // namespace ondol::server
