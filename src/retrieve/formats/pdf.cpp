// PDF (poppler): text in reading order with its pages; pages that are only a picture go to the recognizer.
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "retrieve/formats/pdf_layout.h"
#include "retrieve/formats/picture.h"
#include "retrieve/formats/readers.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr int kMostPages = 50'000;
constexpr int kMostMissingPages = 100;  // one after the other
constexpr double kPictureDpi = 300;
constexpr double kMostPixels = 12e6;
constexpr double kPointsPerInch = 72;

std::string utf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return replace_invalid_utf8({bytes.data(), bytes.size()});
}

/// Words of one line follow each other to the right at about one height.
bool continues(const PdfLine& line, const poppler::rectf& box) {
  const double overlap = std::min(line.bottom, box.bottom()) - std::max(line.top, box.top());
  const double lower = std::min(line.bottom - line.top, box.bottom() - box.top());
  return overlap > 0.5 * lower && box.left() > line.left && box.left() > line.right - (box.bottom() - box.top());
}

void add_lines(const poppler::page& page, int number, std::vector<PdfLine>& lines) {
  const size_t first = lines.size();
  bool has_space = false;
  for (const poppler::text_box& word : page.text_list(poppler::page::text_list_include_font)) {
    const poppler::rectf box = word.bbox();
    const std::string text = utf8(word.text());
    if (lines.size() == first || !continues(lines.back(), box)) {
      lines.push_back({"", box.left(), box.top(), box.right(), box.bottom(), 0, number});
    } else if (has_space) {
      lines.back().text += ' ';
    }
    PdfLine& line = lines.back();
    line.text += text;
    line.right = std::max(line.right, box.right());
    line.top = std::min(line.top, box.top());
    line.bottom = std::max(line.bottom, box.bottom());
    if (word.has_font_info()) line.font_size = std::max(line.font_size, word.get_font_size());
    has_space = word.has_space_after();
  }
}

/// PGM, or nothing: a page that is empty or cannot be drawn.
std::string drawn(const poppler::page& page) {
  const poppler::rectf size = page.page_rect();
  const double square_inches = size.width() * size.height() / kPointsPerInch / kPointsPerInch;
  if (!(square_inches > 0.01)) return "";
  const double dpi = std::min(kPictureDpi, std::sqrt(kMostPixels / square_inches));
  poppler::page_renderer renderer;
  renderer.set_image_format(poppler::image::format_gray8);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
  const poppler::image image = renderer.render_page(&page, dpi, dpi);
  if (!image.is_valid() || image.format() != poppler::image::format_gray8) return "";
  std::string picture = fmt::format("P5\n{} {}\n255\n", image.width(), image.height());
  bool is_empty = true;
  for (int y = 0; y < image.height(); ++y) {
    const std::string_view row(image.const_data() + static_cast<ptrdiff_t>(y) * image.bytes_per_row(),
                               static_cast<size_t>(image.width()));
    is_empty = is_empty && row.find_first_not_of(row[0]) == row.npos;
    picture += row;
  }
  return is_empty ? "" : picture;
}

class PdfReader {
 public:
  PdfReader(poppler::document& document, Reading& reading) : document_(document), reading_(reading) {}

  Result<Document> read() {
    builder_.set_title(utf8(document_.info_key("Title")));
    find_lines();
    const PdfFontSizes sizes(lines_);
    auto line = lines_.begin();
    for (int page = 1; page <= n_pages_ && !builder_.is_full(); ++page) {
      const auto end = std::find_if(line, lines_.end(), [&](const PdfLine& l) { return l.page != page; });
      builder_.set_page(page);
      if (line != end) {
        add_pdf_page(builder_, {line, end}, sizes);
      } else {
        read_picture_of(page);
      }
      line = end;
    }
    if (lines_.empty() && n_recognized_ == 0 && n_left_out_ > 0)
      return Error(fmt::format("its pages are pictures: {}", problem_));
    if (n_left_out_ > 0) builder_.set_missing(fmt::format("{} pages are pictures: {}", n_left_out_, problem_));
    return builder_.finish();
  }

 private:
  void find_lines() {
    const int n = std::min(document_.pages(), kMostPages);
    int n_missing = 0;
    for (int i = 0; i < n && n_missing < kMostMissingPages; ++i) {
      const std::unique_ptr<poppler::page> page(document_.create_page(i));
      n_missing = page ? 0 : n_missing + 1;
      if (page) add_lines(*page, i + 1, lines_);
      n_pages_ = i + 1;
    }
  }

  void read_picture_of(int number) {
    const std::unique_ptr<poppler::page> page(document_.create_page(number - 1));
    if (!page || n_left_out_ > 0) {  // what stopped one stops the others
      n_left_out_ += page ? 1 : 0;
      return;
    }
    const std::string picture = drawn(*page);
    if (picture.empty()) return;
    const auto text = recognize_picture(picture, reading_);
    if (!text) {
      ++n_left_out_;
      problem_ = text.error().message();
      return;
    }
    ++n_recognized_;
    add_recognized(builder_, *text);
  }

  poppler::document& document_;
  Reading& reading_;
  DocumentBuilder builder_;
  std::vector<PdfLine> lines_;
  int n_pages_ = 0;
  int n_recognized_ = 0;
  int n_left_out_ = 0;
  std::string problem_;
};

}  // namespace

Result<Document> read_pdf(std::string_view bytes, Reading& reading) {
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  const std::unique_ptr<poppler::document> document(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (!document) return Error("expected a PDF, got one that is damaged");
  if (document->is_locked()) return Error("it is encrypted with a password");
  return PdfReader(*document, reading).read();
}

}  // namespace ondol
