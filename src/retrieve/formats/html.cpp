// HTML: headings, paragraphs, code and tables, as browsers understand it (gumbo).
#include <gumbo.h>

#include <algorithm>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "retrieve/encoding.h"
#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/readers.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = size_t{32} << 20;
constexpr size_t kEncodingBytes = 4096;  // in which the encoding is declared
constexpr size_t kMostColumns = 200;

/// Memory of one parse. Gumbo's own way to give it back goes as deep as the document.
class Arena {
 public:
  ~Arena() {
    for (void* block : blocks_) ::operator delete(block);
  }
  static void* allocate(void* self, size_t n) { return static_cast<Arena*>(self)->take(n); }
  static void forget(void*, void*) {}

 private:
  void* take(size_t n) {
    n = (n + 15) / 16 * 16;
    if (n > kBlock / 4) return add(n);
    if (n > left_) {
      next_ = static_cast<char*>(add(kBlock));
      left_ = kBlock;
    }
    char* const place = next_;
    next_ += n;
    left_ -= n;
    return place;
  }
  void* add(size_t n) {
    blocks_.push_back(::operator new(n));
    return blocks_.back();
  }

  static constexpr size_t kBlock = size_t{256} << 10;
  std::vector<void*> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

std::string declared_encoding(std::string_view bytes) {
  const std::string head = lowercase(bytes.substr(0, kEncodingBytes));
  for (const char* key : {"charset", "encoding"}) {
    size_t at = head.find(key);
    if (at == head.npos) continue;
    at = head.find_first_not_of(" =\"'", at + std::string_view(key).size());
    if (at == head.npos) continue;
    return head.substr(at, std::min(head.find_first_of(" \"'>;/?", at), head.size()) - at);
  }
  return "";
}

bool is_element(const GumboNode* node) {
  return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE;
}

bool is_text(const GumboNode* node) {
  return node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE || node->type == GUMBO_NODE_CDATA;
}

bool is_one_of(const GumboNode* node, std::initializer_list<GumboTag> tags) {
  return is_element(node) && std::find(tags.begin(), tags.end(), node->v.element.tag) != tags.end();
}

bool is_invisible(const GumboNode* node) {
  return is_one_of(node, {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_TEMPLATE, GUMBO_TAG_HEAD, GUMBO_TAG_SVG,
                          GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_SELECT});
}

int heading_level(const GumboNode* node) {
  if (!is_element(node)) return 0;
  const int level = static_cast<int>(node->v.element.tag) - GUMBO_TAG_H1 + 1;
  return level >= 1 && level <= 6 ? level : 0;
}

bool is_inline(const GumboNode* node) {
  return is_one_of(node,
                   {GUMBO_TAG_A,      GUMBO_TAG_B,    GUMBO_TAG_I,    GUMBO_TAG_U,     GUMBO_TAG_S,      GUMBO_TAG_EM,
                    GUMBO_TAG_STRONG, GUMBO_TAG_SPAN, GUMBO_TAG_FONT, GUMBO_TAG_SMALL, GUMBO_TAG_BIG,    GUMBO_TAG_SUB,
                    GUMBO_TAG_SUP,    GUMBO_TAG_CODE, GUMBO_TAG_TT,   GUMBO_TAG_KBD,   GUMBO_TAG_SAMP,   GUMBO_TAG_VAR,
                    GUMBO_TAG_CITE,   GUMBO_TAG_ABBR, GUMBO_TAG_Q,    GUMBO_TAG_MARK,  GUMBO_TAG_INS,    GUMBO_TAG_DEL,
                    GUMBO_TAG_LABEL,  GUMBO_TAG_TIME, GUMBO_TAG_IMG,  GUMBO_TAG_BDO,   GUMBO_TAG_RUBY,   GUMBO_TAG_DATA,
                    GUMBO_TAG_STRIKE, GUMBO_TAG_WBR,  GUMBO_TAG_BDI,  GUMBO_TAG_DFN,   GUMBO_TAG_UNKNOWN});
}

const GumboVector* children(const GumboNode* node) {
  if (is_element(node)) return &node->v.element.children;
  return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children : nullptr;
}

/// Visits a node and all below it without recursion: documents may be deep. `enter` says whether to go inside; only
/// then `leave` comes.
template <typename Enter, typename Leave>
void walk(const GumboNode* root, Enter enter, Leave leave) {
  struct Place {
    const GumboNode* node;
    unsigned next;
  };
  std::vector<Place> places;
  if (enter(root)) places.push_back({root, 0});
  while (!places.empty()) {
    const GumboVector* below = children(places.back().node);
    if (below == nullptr || places.back().next >= below->length) {
      leave(places.back().node);
      places.pop_back();
      continue;
    }
    const auto* node = static_cast<const GumboNode*>(below->data[places.back().next++]);
    if (enter(node)) places.push_back({node, 0});
  }
}

void add_inline(std::string& out, const GumboNode* node) {
  for (const char* c = node->v.text.text; *c != '\0'; ++c) out += *c == '\n' || *c == '\r' ? ' ' : *c;
}

/// On one line.
std::string text_of(const GumboNode* root) {
  std::string text;
  const auto enter = [&](const GumboNode* node) {
    if (is_text(node)) add_inline(text, node);
    if (is_element(node) && !is_inline(node)) text += ' ';
    return is_element(node) && (node == root || !is_invisible(node));
  };
  walk(root, enter, [&](const GumboNode* node) { text += is_inline(node) ? "" : " "; });
  return text;
}

/// A table that holds no other and no heading: others only arrange a page.
bool is_of_data(const GumboNode* table) {
  bool is_plain = true;
  const auto enter = [&](const GumboNode* node) {
    if (node != table && (is_one_of(node, {GUMBO_TAG_TABLE}) || heading_level(node) > 0)) is_plain = false;
    return is_plain && is_element(node);
  };
  walk(table, enter, [](const GumboNode*) {});
  return is_plain;
}

Table table_of(const GumboNode* root) {
  Table table;
  const auto enter = [&](const GumboNode* node) {
    if (is_one_of(node, {GUMBO_TAG_TR})) table.emplace_back();
    if (is_one_of(node, {GUMBO_TAG_TD, GUMBO_TAG_TH})) {
      if (table.empty()) table.emplace_back();
      if (table.back().size() < kMostColumns) table.back().push_back(text_of(node));
      return false;
    }
    return is_element(node);
  };
  walk(root, enter, [](const GumboNode*) {});
  return table;
}

class HtmlReader {
 public:
  Document read(const GumboNode* root) {
    const auto title = [&](const GumboNode* node) {
      if (is_one_of(node, {GUMBO_TAG_TITLE}) && !has_title_) {
        builder_.set_title(text_of(node));
        has_title_ = true;
      }
      return !has_title_ && (node == root || is_one_of(node, {GUMBO_TAG_HTML, GUMBO_TAG_HEAD}));
    };
    walk(root, title, [](const GumboNode*) {});
    walk(
        root, [&](const GumboNode* node) { return enter(node); }, [&](const GumboNode* node) { leave(node); });
    end_paragraph();
    return builder_.finish();
  }

 private:
  bool enter(const GumboNode* node) {
    if (builder_.is_full()) return false;
    if (is_text(node)) {
      if (n_pre_ > 0) {
        text_ += node->v.text.text;
      } else {
        add_inline(text_, node);
      }
      return false;
    }
    if (node->type == GUMBO_NODE_DOCUMENT) return true;
    if (!is_element(node) || is_invisible(node)) return false;
    if (is_one_of(node, {GUMBO_TAG_BR})) {
      text_ += '\n';
      return false;
    }
    if (is_inline(node)) return true;
    end_paragraph();
    if (const int level = heading_level(node); level > 0) {
      builder_.add_heading(level, text_of(node));
      return false;
    }
    if (is_one_of(node, {GUMBO_TAG_TABLE}) && is_of_data(node)) {
      builder_.add_table(table_of(node));
      return false;
    }
    if (is_one_of(node, {GUMBO_TAG_LI})) text_ = "- ";
    if (is_one_of(node, {GUMBO_TAG_PRE})) ++n_pre_;
    return true;
  }

  void leave(const GumboNode* node) {
    if (!is_element(node) || is_inline(node)) return;
    end_paragraph();
    if (is_one_of(node, {GUMBO_TAG_PRE})) --n_pre_;
  }

  void end_paragraph() {
    if (n_pre_ > 0) {
      builder_.add_code(text_);
    } else if (text_ != "- ") {
      builder_.add_paragraph(text_);
    }
    text_.clear();
  }

  DocumentBuilder builder_;
  std::string text_;  // of the paragraph that is open
  bool has_title_ = false;
  int n_pre_ = 0;
};

}  // namespace

Result<Document> read_html(std::string bytes, std::string_view encoding) {
  if (bytes.size() > kMostBytes)
    return Error(fmt::format("expected at most {} MiB of HTML, got {}", kMostBytes >> 20, bytes.size() >> 20));
  const std::string declared = encoding.empty() ? declared_encoding(bytes) : std::string(encoding);
  const std::string text = ONDOL_TRY(text_as_utf8(std::move(bytes), declared));
  Arena arena;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = Arena::allocate;
  options.deallocator = Arena::forget;
  options.userdata = &arena;
  options.max_errors = 0;  // each would keep the names of all open elements
  const GumboOutput* output = gumbo_parse_with_options(&options, text.data(), text.size());
  return HtmlReader().read(output->document);
}

}  // namespace ondol
