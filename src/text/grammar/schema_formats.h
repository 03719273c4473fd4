// The formats of JSON Schema that can be held to: date-time, date, time, duration, email, idn-email, hostname, ipv4,
// ipv6, uuid, uri, uri-reference, iri, iri-reference, uri-template, json-pointer and relative-json-pointer.
#pragma once

#include <optional>
#include <string_view>

#include "text/grammar/regex_terms.h"

namespace ondol::grammar {

/// The texts of a format, or nothing for formats that are taken as remarks.
std::optional<TermId> format_term(TermStore& terms, std::string_view format, const CharacterTerm& character);

}  // namespace ondol::grammar
