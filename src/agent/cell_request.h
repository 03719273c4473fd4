// What ondol tells ondol-cell, the program that starts a confined one (cell/main.cpp): descriptors in fixed places, and
// a list of fields. Only what needs no library, as the cell has none.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// The cell's descriptors. 0, 1 and 2 are the confined program's.
struct CellDescriptors {
  static constexpr int kRequest = 3;    // read: the fields
  static constexpr int kStatus = 4;     // written: lines "ready", "failed WHAT ERRNO", "exit STATUS", "signal NUMBER"
  static constexpr int kLife = 5;       // read: "g" starts the program; its end ends all
  static constexpr int kFilter = 6;     // read: the filter of system calls; with bubblewrap it is bubblewrap's
  static constexpr int kCell = 7;       // as many as the cell has of its own
  static constexpr int kArguments = 7;  // bubblewrap's: read, closed by it
  static constexpr int kInfo = 8;       // bubblewrap's: written
  static constexpr int kFiles = 9;      // and on: what bubblewrap makes files of
};

/// Fields are a letter, a value, and a zero byte.
struct CellField {
  static constexpr char kKind = 'k';      // "b": inside bubblewrap; "l": confines with Landlock
  static constexpr char kArgument = 'a';  // of the program, in order
  static constexpr char kVariable = 'v';  // NAME=value
  static constexpr char kFolder = 'f';    // where it starts
  static constexpr char kLimit = 'm';     // "RESOURCE VALUE", numbers of setrlimit
  static constexpr char kProcesses = 'p';  // how many there may be, with threads
  static constexpr char kSocket = 's';    // the proxy's, reached at 127.0.0.1:kProxyPort
  static constexpr char kRule = 'r';      // Landlock: "RIGHTS PATH", see CellRight
};

/// Letters of what Landlock allows below a path.
struct CellRight {
  static constexpr char kList = 'l';     // names in folders
  static constexpr char kRead = 'r';     // files
  static constexpr char kExecute = 'x';  // and become them
  static constexpr char kWrite = 'w';    // existing files
  static constexpr char kChange = 'c';   // make, remove, rename
};

constexpr int kProxyPort = 3128;

inline void add_field(std::string& request, char kind, std::string_view value) {
  request += kind;
  request += value.substr(0, value.find('\0'));
  request += '\0';
}

}  // namespace ondol
