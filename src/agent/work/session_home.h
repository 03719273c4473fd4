// A name for the folder in which an agent's sessions lie, so that a job goes on where its session is (JobHome).
#pragma once

#include <string>

#include "base/result.h"

namespace ondol {

/// The same for all who see the folder, from whichever machine; made by the first one who asks. Errors: the folder.
Result<std::string> session_home(const std::string& data_folder);

}  // namespace ondol
