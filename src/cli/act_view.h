// What `ondol act` shows of a run, and how it asks.
#pragma once

#include <string>
#include <vector>

#include "agent/loop.h"

namespace ondol::cli {

/// A step as lines for a person, on standard error; the last answer goes to standard output elsewhere.
void show_step(const json::object& step);

/// A step in one line, for --list and --replay.
std::string step_in_words(const json::object& step);

/// What is to be known and does not stop anything, on standard error.
void print_note(const std::string& text);

/// Shows the preview on the terminal and asks: yes, no, or always for this workspace.
Result<ApprovalAnswer> ask_at_terminal(const ApprovalRequest& request);

/// A question of the model's, answered at the terminal.
Result<std::string> ask_user_at_terminal(std::string_view question);

/// The sessions, the newest first.
void print_sessions(const std::vector<AgentSessionInfo>& sessions);

}  // namespace ondol::cli
