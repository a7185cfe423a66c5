#include "common/epoch_log.hpp"

#include <cerrno>
#include <cstring>

#include "common/errors.hpp"

namespace examples {

EpochLog::EpochLog(const std::string& path, bool append) : path_(path) {
  if (path.empty()) return;
  file_.open(path, append ? std::ios::app : std::ios::trunc);
  if (!file_) throw DataError("cannot write the log " + path + ": " + std::strerror(errno));
}

void EpochLog::write(nlohmann::ordered_json record, const EpochRecord& epoch) {
  if (path_.empty()) return;
  record["train_loss"] = epoch.train.loss;
  record["train_accuracy"] = epoch.train.accuracy;
  if (epoch.valid) {
    record["valid_loss"] = epoch.valid->loss;
    record["valid_accuracy"] = epoch.valid->accuracy;
  }
  record["test_loss"] = epoch.test.loss;
  record["test_accuracy"] = epoch.test.accuracy;
  record["milliseconds"] = epoch.milliseconds;
  file_ << record.dump() << std::endl;  // a reader sees each epoch as it ends, and a killed run loses none
  if (!file_) throw DataError("cannot write the log " + path_ + ": " + std::strerror(errno));
}

}  // namespace examples
