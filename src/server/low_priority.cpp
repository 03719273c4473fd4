#include "server/low_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ondol::server {

void lower_own_priority() {
  const sched_param none{};
  if (::sched_setscheduler(0, SCHED_IDLE, &none) == 0) return;
  constexpr int kNicest = 19;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNicest);
}

}  // namespace ondol::server
