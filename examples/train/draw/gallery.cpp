// SPDX-License-Identifier: MIT
#include "draw/gallery.hpp"

#include "core/files.hpp"
#include "draw/layout.hpp"

namespace train {
namespace {

namespace fs = std::filesystem;

/// They would stand among the new ones.
void remove_old_pictures(const fs::path& folder, const std::string& prefix) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    const bool is_ours = entry.path().filename().string().starts_with(prefix);
    if (is_ours && (extension == ".dot" || extension == ".svg")) fs::remove(entry.path());
  }
}

}  // namespace

Gallery write_gallery(const fs::path& folder, const std::string& prefix, const std::vector<Picture>& pictures) {
  Gallery gallery;
  make_folder(folder);
  remove_old_pictures(folder, prefix);
  for (const Picture& picture : pictures) {
    const auto positions = lay_out(picture, folder / (picture.name + ".dot"));
    if (!positions) continue;
    gallery.figures.push_back({picture_svg(picture, *positions), picture.title, picture.is_right});
    write_file(folder / (picture.name + ".svg"), gallery.figures.back().svg);
  }
  const std::size_t missing = pictures.size() - gallery.figures.size();
  if (missing != 0) {
    gallery.remark = "Graphviz's neato is not there or failed: " + std::to_string(missing) + " of " +
                     std::to_string(pictures.size()) + " pictures are left as DOT files only.";
  }
  return gallery;
}

Gallery write_figures(const fs::path& folder, const std::string& prefix, std::vector<Figure> figures,
                      const std::vector<std::string>& names) {
  make_folder(folder);
  remove_old_pictures(folder, prefix);
  for (std::size_t k = 0; k < figures.size(); ++k) write_file(folder / (prefix + names[k] + ".svg"), figures[k].svg);
  return {std::move(figures), ""};
}

}  // namespace train
